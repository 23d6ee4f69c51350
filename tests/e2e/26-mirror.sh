#!/bin/sh
# PU9, PU25: a mirror serves a receiver that it has not accepted; what each can know, and that nothing is lost once it has.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
make_node m Mirror
make_node b Tourism
pair a m
pair a b
chama b peer add "$(chama m invite 2>/dev/null)" >/dev/null || bad "the receiver adds the mirror"
for home in a m b; do start $home; done
mkdir data && echo one >data/one
chama a publish cover data --share conditional >/dev/null 2>&1
chama a grant cover tourism >/dev/null
chama a grant cover mirror >/dev/null
chama m follow 'forestry/*' >/dev/null 2>&1
chama m sync >/dev/null 2>&1
chama b sync forestry >/dev/null 2>&1
chama a sync >/dev/null 2>&1
chama m sync >/dev/null 2>&1
stop a
chama b follow 'forestry/*' >/dev/null 2>&1
want "the receiver gets it from the mirror, by its grant" 0 chama b sync mirror
has "that has not accepted it" "$err" "as long as mirror has not accepted it"
has "content" "$out" "1 versions"
want "the mirror's delivery" 0 chama b receipts
has "is not to be seen from here" "$out" "delivery owed  by mirror"
want "the mirror" 0 chama m receipts
has "has stated it" "$out" "receipt owed  by tourism"
start a
want "the owner has the mirror's ledger" 0 chama a sync
want "and the receiver from it" 0 chama b sync forestry
want "the receiver asks the mirror again" 0 chama b sync mirror
want "it" 0 chama b receipts
has "lacks the opening" "$out" "delivery owed  by mirror"
want "the mirror accepts the receiver" 0 chama m peer add "$(chama b invite 2>/dev/null)"
want "whose next sync" 0 chama b sync mirror
has "brings the opening, though no ledger has changed" "$err" "1 sealed statement for this node alone"
has "and states the receipt" "$err" "1 receipt stated"
want "nothing" 0 chama b receipts --unmatched
equal "is owed there" "$out" ""
want "the mirror fetches the receipt" 0 chama m sync tourism
want "nothing" 0 chama m receipts --unmatched
equal "is owed here" "$out" ""
