#!/bin/sh
# S2 to S4, S8: what a node says it is can be changed; the history stays; peers learn of it.
. "$SOURCE/tests/lib.sh"
make_node a Forestry --sector S02 --division 530000
make_node b Tourism
pair a b
records() { chama a status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["records"])'; }

want "a profile" 0 chama a profile
equal "is what init was told" "$out" "name-zh       -
name-en       Forestry
organisation  -
sector        S02
division      530000
ledger        relayed
url           https://$(address_of a)"
before=$(records)
want "other names" 0 chama a profile --name-zh 林草局 --name-en 'Forestry and Grassland' --organisation 云南省 --sector S03 --division '' --ledger public
has "are shown" "$out" "name-zh       林草局"
has "what was taken away, too" "$out" "division      -"
has "with their record" "$err" "stated as record $before; the profiles before it stay in the ledger"
equal "which is one" "$(records)" $((before + 1))
want "in JSON" 0 chama a profile --json
has "the same" "$out" '"organisation": "云南省"'
has "and who may have the ledger" "$out" '"ledger": "public"'
want "one thing alone" 0 chama a profile --sector S04
has "changes nothing else" "$out" "name-en       Forestry and Grassland"
want "the same again" 0 chama a profile --sector S04
has "is not stated" "$err" "nothing changed: that is what this node states already"
equal "so there are two records" "$(records)" $((before + 2))
want "id" 0 chama a id
has "shows the name" "$out" "name 林草局"
has "status, too" "$(chama a status)" "林草局"
equal "what it said before stands in the ledger" "$(git -C a/ledger.git log -p --all | grep -c '^+.*"sector":"S0[234]".*"profile/1"')" 3
want "the node is well" 0 chama a fsck

# Who is told.
start a
want "a peer syncs" 0 chama b sync
has "and knows the name" "$(chama b peer ls --json)" "Forestry and Grassland"
want "the ledger is for anyone now" 0 git -c http.sslVerify=false clone -q "https://$(address_of a)/ledgers/$(chama a id | head -n 1).git" copy
want "and then no more" 0 chama a profile --ledger peers
has "as far as it was not copied" "$err" "what others copied of the ledger while it was open to more stays with them"
want "at once" 128 git -c http.sslVerify=false clone -q "https://$(address_of a)/ledgers/$(chama a id | head -n 1).git" copy2

# Refused, and nothing stated.
before=$(records)
refused() {
    what=$1 text=$2
    shift 2
    want "$what" 2 chama a profile "$@"
    equal "is refused" "$err" "chama: $text"
}
refused "no name" "S2: want --name-zh or --name-en, have neither; example: --name-zh 林业厅 --name-en Forestry" --name-zh '' --name-en ''
refused "a name with a control character" "--name-en: S2: want text in one line, have characters that do not show" --name-en "$(printf 'a\033b')"
refused "a long one" "--organisation: S2: want at most 256 bytes, have 300" --organisation "$(printf '%300s' | tr ' ' x)"
refused "a sector that is none" "profile/1: S3: want a sector S01 to S20, have S99" --sector S99
refused "a division that is none" "profile/1: S4: want a division of 2 to 12 digits, have x" --division x
refused "another word" "--ledger: S8: want peers, relayed or public, have all" --ledger all
equal "nothing was stated" "$(records)" "$before"
want "init" 2 chama new init --name-en ''
equal "says the same" "$err" "chama: S2: want --name-zh or --name-en, have neither; example: --name-zh 林业厅 --name-en Forestry"
[ -e new ] && bad "and makes nothing" || ok "and makes nothing"
