#!/bin/sh
# The ledger is a git repository like any other: stock git clones, checks, shows and verifies it.
. "$SOURCE/tests/lib.sh"
export TZ=UTC GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C.UTF-8

fixture v1
fixture v2
make_node a Forestry --name-zh 省林业厅
chama a publish divisions v1 --share open --title-zh 行政区划 -m "first survey

with a paragraph" >/dev/null
chama a publish divisions v2 -m "second survey" >/dev/null
chama a publish closed v1 --share none >/dev/null
id=$(chama a id | head -n 1)

want "fsck of the repository" 0 git -C a/ledger.git fsck --full --strict
equal "says nothing" "$out$err" ""
want "clone" 0 git clone -q a/ledger.git clone
want "fsck of the clone" 0 git -C clone fsck --full --strict
cd clone || exit 1
want "the work tree is clean" 0 git status --porcelain
equal "nothing is changed" "$out" ""

want "the tree" 0 git ls-tree -r --name-only HEAD
has "records by number" "$out" "records/0000/00/00/000000003.json.sig"
has "the newest manifest of each dataset" "$out" "datasets/divisions/manifest.json"
equal "allowed_signers is this node" "$(cut -d' ' -f1 allowed_signers)" "$id"
equal "and has one line" "$(wc -l <allowed_signers)" 1

git config gpg.format ssh
git config gpg.ssh.allowedSignersFile allowed_signers
want "log --show-signature" 0 git log --show-signature
equal "a good signature for each commit" "$(printf '%s\n' "$out" | grep -c "^Good \"git\" signature for $id")" "$(git rev-list --count HEAD)"
equal "by the node" "$(git log -1 --format=%an)" "$id"
equal "every one good by git's own letter" "$(git log --format=%G? | sort -u)" G
for commit in $(git rev-list HEAD); do
    git verify-commit "$commit" 2>/dev/null && ok "verify-commit" || bad "verify-commit $commit"
done
equal "the time of a commit is that of its record" "$(git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)" \
    "$(TZ=UTC python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["time"])' records/0000/00/00/000000004.json)"

want "log of a dataset" 0 git log -p --format='%s%n%b' -- datasets/divisions
has "shows versions" "$out" "divisions@2"
has "shows the message" "$out" "    first survey"
has "shows what changed, a line each" "$out" '+  "version": 2'
has "and what was" "$out" '-  "version": 1'
has "with words as they are written" "$out" 行政区划
equal "a view is the record, indented" "$(python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), sort_keys=True))' <datasets/divisions/manifest.json)" \
    "$(python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), sort_keys=True))' <records/0000/00/00/000000003.json)"
equal "a subject names record and version" "$(git log -1 --format=%s)" "4 closed@1"
has "the body names the address" "$(git log -1 --format=%b)" "4 closed@1 sha256:$(sha256sum <records/0000/00/00/000000004.json | cut -d' ' -f1)"

# What git refuses.
sed 's/ssh-ed25519 .*/ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea/' allowed_signers >other
git config gpg.ssh.allowedSignersFile other
want "another key verifies nothing" 1 git verify-commit HEAD
sed 's/chama-record,git/chama-record/' allowed_signers >other
want "a key that is not for commits neither" 1 git verify-commit HEAD
git config gpg.ssh.allowedSignersFile allowed_signers
git cat-file commit HEAD | sed 's/4 closed@1/4 closed@2/' | git hash-object -t commit -w --stdin >altered
want "an altered commit is refused" 1 git verify-commit "$(cat altered)"
git cat-file commit HEAD | sed '/^gpgsig/,/-----END/d' | git hash-object -t commit -w --stdin >stripped
want "a commit without its signature is refused" 1 git verify-commit "$(cat stripped)"

# In place, as an auditor on the node's machine would.
want "verify-commit in the repository itself" 0 git -C "$FOLDER/a/ledger.git" -c safe.directory='*' verify-commit main
