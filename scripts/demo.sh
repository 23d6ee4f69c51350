#!/bin/sh
# Shows what chama does, on this machine alone: three nodes on loopback in a temporary folder share a real data set and verify it.
#   demo.sh          everything; installs and builds first
#   demo.sh --keep   leaves the folder for you to look at
set -eu
cd "$(dirname "$0")/.."
source=$(pwd)

sh scripts/packages.sh test
echo "building chama ..."
make -j"$(nproc)" all >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
rm -f build.log

work=$(mktemp -d "${TMPDIR:-/tmp}/chama-demo.XXXXXX")
servers=
clean_up() {
    for pid in $servers; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || :; done
    [ "${1:-}" = keep ] || rm -rf "$work"
}
trap 'clean_up' EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
    printf '$ %s\n' "$*" | sed "s|$source/build/||g; s|$work/||g; s|--home \([a-z]*\)|@\1|"
    "$@"
}
chama() { node=$1; shift; run "$source/build/chama" --home "$work/$node" "$@"; }
proven=
prove() { proven="$proven
  - $1"; }
must_fail() {  # status command...
    expected=$1; shift
    set +e; "$@"; status=$?; set -e
    [ "$status" -eq "$expected" ] || { echo "demo: want exit $expected, have $status"; exit 1; }
    echo "(exit $status, as it must be)"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

say "1. Three departments, three nodes"
init() { chama "$1" init --name-zh "$2" --name-en "$3" --sector "$4" --listen "127.0.0.1:$(free_port)" 2>/dev/null; }
init forestry 林业和草原局 Forestry S02
init tourism 文化和旅游厅 Tourism S05
init audit 审计厅 Audit S01
for node in forestry tourism audit; do
    sed -i 's/^interval = .*/interval = 0/' "$work/$node/config.ini"
    "$source/build/chama" --home "$work/$node" serve 2>"$work/$node.log" &
    servers="$servers $!"
done
for node in forestry tourism audit; do
    for _ in $(seq 100); do grep -q listening "$work/$node.log" && break; sleep 0.1; done
done

say "2. They exchange invites: forestry <-> tourism <-> audit (audit never meets forestry)"
invite() { "$source/build/chama" --home "$work/$1" invite; }
chama forestry peer add "$(invite tourism)"
chama tourism peer add "$(invite forestry)"
chama tourism peer add "$(invite audit)"
chama audit peer add "$(invite tourism)"

say "3. Forestry publishes two real data sets: the administrative divisions of China, and a daily index"
unpack() { mkdir "$work/$2" && tar -C "$work/$2" --zstd -xf "tests/data/$1.tar.zst"; }
unpack china-divisions/v1 divisions
unpack finance-vix/v2 index-monday
unpack finance-vix/v3 index-tuesday
chama forestry publish divisions "$work/divisions" -m "as of 2020" --title-zh 行政区划 --title-en "Administrative divisions" --share open
chama forestry publish index "$work/index-monday" -m "up to Monday" --share open

say "4. Tourism follows them and syncs over mutual TLS"
chama tourism sync
chama tourism follow 'forestry/*'
chama tourism sync
chama tourism get forestry/divisions "$work/divisions-copy"
chama tourism get forestry/index "$work/index-copy"
(cd "$work/divisions-copy" && run sha256sum --quiet -c "$source/tests/data/china-divisions/v1.sha256")
(cd "$work/index-copy" && run sha256sum --quiet -c "$source/tests/data/finance-vix/v2.sha256")
prove "tourism's checkouts are what forestry published: the data sets' own sha256sum lists agree"

say "5. The next day: only the difference travels"
chama forestry publish index "$work/index-tuesday" -m "up to Tuesday"
chama tourism sync --dry-run
chama tourism sync
chama tourism get forestry/index "$work/index-copy"
(cd "$work/index-copy" && run sha256sum --quiet -c "$source/tests/data/finance-vix/v3.sha256")
chama tourism diff forestry/index@1 forestry/index@2
chama tourism log forestry/index
prove "the next version came as a difference and updated the checkout in place"

say "6. A restricted data set is refused, and tells nothing"
mkdir "$work/secret" && echo "nest, 25.0389 N, 102.7183 E" >"$work/secret/black-necked-crane-nests.csv"
chama forestry publish crane-nests "$work/secret" --share conditional -m "for those who protect them"
chama tourism sync
chama tourism sync || :
must_fail 1 chama tourism get forestry/crane-nests "$work/nests"
if grep -rq black-necked-crane "$work/tourism"; then echo "demo: a restricted file name leaked"; exit 1; fi
prove "without a grant tourism got no content of crane-nests, and no file name of it lies in tourism's home"
chama forestry grant crane-nests tourism --until 2099-12-31
chama tourism sync
chama tourism get forestry/crane-nests "$work/nests"
run cmp "$work/secret/black-necked-crane-nests.csv" "$work/nests/black-necked-crane-nests.csv"
prove "with a grant it did"

say "7. Audit, which never met forestry, takes forestry's ledger and data from tourism and verifies it"
chama audit follow '*'
chama audit sync
chama audit ls
chama audit verify
if grep -rq black-necked-crane "$work/audit"; then echo "demo: a restricted file name leaked"; exit 1; fi
prove "audit verified forestry's signatures, chain and every chunk of the open data set; of crane-nests it has a card, no content"

say "8. The same with programs that chama did not bring: git and ssh-keygen"
run git clone -q "$work/forestry/ledger.git" "$work/clone"
run git -C "$work/clone" fsck --strict
run git -C "$work/clone" -c gpg.ssh.allowedSignersFile="$work/clone/allowed_signers" log --format='%G? %h %s' --reverse
node=$("$source/build/chama" --home "$work/forestry" id | head -n 1)
record=$(find "$work/clone/records" -name '000000002.json')
printf '$ ssh-keygen -Y verify -f allowed_signers -I NODE -n chama-record -s 000000002.json.sig < 000000002.json\n'
ssh-keygen -Y verify -f "$work/clone/allowed_signers" -I "$node" -n chama-record -s "$record.sig" <"$record"
prove "git and ssh-keygen alone verify forestry's ledger"

say "9. Everything is checked once more"
for node in forestry tourism audit; do chama "$node" fsck; done
prove "chama fsck finds nothing wrong in any of the three homes"

say "Proven:$proven"
if [ "${1:-}" = --keep ]; then trap - EXIT; clean_up keep; echo "left in $work"; fi
