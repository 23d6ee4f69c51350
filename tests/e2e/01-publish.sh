#!/bin/sh
# One node: publish, look, check out, update in place, drop, gc; and what each refuses.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2

want "init" 0 "$CHAMA" --home "$FOLDER/a" init --name-zh 林业厅 --name-en Forestry --sector S02
id=$(printf '%s\n' "$out" | head -n 1)
equal "init prints a node id of 52 characters" "${#id}" 52
equal "init prints a fingerprint of eight groups of five digits" "$(printf '%s\n' "$out" | sed -n 2p | grep -cE '^([0-9]{5} ){7}[0-9]{5}$')" 1
has "init warns of the next key" "$err" "next.key"
want "a second init is refused" 1 chama a init --name-en Forestry
has "and says why" "$err" "there is a node already"
want "id" 0 chama a id
equal "id begins with the node id" "$(printf '%s\n' "$out" | head -n 1)" "$id"
has "id shows the OpenSSH key" "$out" "ssh-ed25519 AAAA"

want "publish a folder" 0 chama a publish divisions v1 -m "as of 2020" --title-zh 行政区划 --share open
has "it is version 1" "$out" "divisions@1 sha256:"
has "with its files" "$out" "17 files"
want "publishing the same again" 0 chama a publish divisions v1
has "says that nothing changed" "$out" "nothing changed"
want "publish the next version" 0 chama a publish divisions v2 -m "as of 2023"
has "it is version 2" "$out" "divisions@2 sha256:"
want "ls" 0 chama a ls
has "ls shows the newest version and the title carried over" "$out" "行政区划"
has "ls shows sharing carried over" "$out" "open"
want "ls --json is JSON" 0 chama a ls --json
equal "ls --json has the dataset" "$(printf '%s' "$out" | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["dataset"])')" divisions
want "show" 0 chama a show divisions@1
has "show says who signed" "$out" "signature  valid"
want "log" 0 chama a log divisions
has "log shows messages" "$out" "| as of 2020"
equal "log is newest first" "$(printf '%s\n' "$out" | grep -c '^divisions@')" 2
has "log begins with the newest" "$(printf '%s\n' "$out" | head -n 1)" "divisions@2"

want "get" 0 chama a get divisions@1 out
same_tree "a checkout is what was published" v1 out
(cd out && sha256sum --quiet -c "$SOURCE/tests/data/china-divisions/v1.sha256") && ok "sha256sum agrees" || bad "sha256sum"
"$CHAMA" --home "$FOLDER/a" files --sha256 divisions@1 >sums
(cd out && sha256sum --quiet -c ../sums) && ok "files --sha256 is what sha256sum accepts" || bad "files --sha256"
touch -d 2001-01-01 out/LICENSE
want "update in place" 0 chama a get divisions out
same_tree "the update is the newest version" v2 out
equal "an unchanged file was not touched" "$(stat -c %Y out/LICENSE)" "$(date -d 2001-01-01 +%s)"
echo edited >>out/README.md
want "local edits are not overwritten" 1 chama a get divisions@1 out
has "and named" "$err" README.md
equal "and nothing was touched" "$(tail -n 1 out/README.md)" edited
want "unless forced" 0 chama a get --force divisions@1 out
same_tree "then the checkout is right again" v1 out
want "get --only" 0 chama a get divisions part --only 'dist/*.csv'
equal "writes only what matches" "$(cd part && find . -type f ! -name '*.csv' | wc -l)" 0
want "cat" 0 chama a cat divisions@2 dist/provinces.csv
equal "cat writes the file" "$(printf '%s\n' "$out" | sha256sum)" "$(sha256sum <v2/dist/provinces.csv)"
want "cat of what is not there" 1 chama a cat divisions nothing.csv
has "is named" "$err" nothing.csv

want "diff" 0 chama a diff divisions@1 divisions@2
has "diff counts" "$out" "11 changed"
mkdir moved && cp -r v2/. moved/ && mv moved/README.md moved/LIESMICH.md && rm moved/LICENSE && echo new >moved/new.txt
want "publish a rename" 0 chama a publish divisions moved
want "diff of a rename" 0 chama a diff divisions@2 divisions@3
has "diff finds the rename" "$out" "README.md -> LIESMICH.md"
has "and the addition" "$out" "1 added, 1 removed, 0 changed, 1 renamed"

want "dry run" 0 chama a publish other v1 --dry-run
has "a dry run says what others would see" "$out" "would be other@1"
want "a dry run makes nothing" 1 chama a show other
want "a name that is no slug" 2 chama a publish Wald/Karte v1
want "a path that is not there" 1 chama a publish divisions nothing-here
has "is named" "$err" nothing-here
want "an unknown way to share" 2 chama a publish divisions v1 --share everyone
mkfifo v1/pipe
want "a FIFO is refused" 1 chama a publish special v1
has "by name" "$err" pipe
want "and left out with --skip-special" 0 chama a publish special v1 --skip-special
rm v1/pipe
want "the default is conditional" 0 chama a show special
has "conditional it is" "$out" "share      conditional"

want "--from records lineage" 0 chama a publish derived v2 --from divisions@2 --share open
want "show" 0 chama a show derived
has "lineage is shown" "$out" "from       divisions@2 sha256:"
want "--from of what is unknown" 1 chama a publish derived v1 --from nowhere@1

want "verify" 0 chama a verify
has_not "verify finds nothing" "$out" BAD
want "fsck" 0 chama a fsck
has "fsck finds nothing" "$out" "0 problems"
want "drop, dry run" 0 chama a drop divisions@1 --dry-run
has "says so" "$out" "would drop"
want "drop" 0 chama a drop divisions@1
want "its content is gone" 1 chama a get divisions@1 gone
has "and said to be" "$err" "dropped"
want "its record stays" 0 chama a show divisions@1
want "gc, dry run" 0 chama a gc --dry-run
has "names bytes" "$out" "would free"
want "gc" 0 chama a gc
want "the other version is whole" 0 chama a verify divisions@2
want "fsck after gc" 0 chama a fsck
want "status" 0 chama a status
has "status names the node" "$out" "$id"
