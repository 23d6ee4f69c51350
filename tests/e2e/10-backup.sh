#!/bin/sh
# The backup that the README describes, of a running node; restored elsewhere.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
start a && start b
pair a b
chama a publish divisions v1 --share open >/dev/null
chama a publish nests v2 --share conditional >/dev/null
chama a grant nests tourism >/dev/null
chama a sync >/dev/null
(while :; do chama a publish noise v2 --title-en "$(date +%N)" --share open >/dev/null 2>&1; done) &
noise=$!
sed -n '/^    chama_home=/,/^$/p' "$SOURCE/README.md" | sed "s|/var/lib/chama|$FOLDER/a|; s|/backup/chama|$FOLDER/copy|" >backup.sh
want "the README's backup" 0 sh -e backup.sh
kill $noise; wait $noise 2>/dev/null
stop a
mkdir restored && cp -a copy/. restored/
want "the restored node" 0 chama restored fsck --rebuild-index
has "is whole" "$out" "0 problems"
want "verify" 0 chama restored verify
has_not "finds nothing" "$out" BAD
equal "it is the same node" "$(chama restored id | head -n 1)" "$(chama a id | head -n 1)"
want "get" 0 chama restored get divisions out
same_tree "its content is there" v1 out
want "grants are there" 0 chama restored grants
has "with their bodies" "$out" "tourism"
want "it takes its newer records back, if any" 0 chama restored sync
want "and publishes" 0 chama restored publish divisions v2
rm -rf restored/catalogue.sqlite* restored/log restored/store/index*
want "what can be rebuilt is rebuilt" 0 chama restored fsck --rebuild-index
has "and whole" "$out" "0 problems"
