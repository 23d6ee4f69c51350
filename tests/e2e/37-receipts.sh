#!/bin/sh
# B29 to B31: what is carried back: receipts on a disk, and bundles that hold only what the receiver lacks.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
make_node b Tourism
make_node c Customs
pair a b
mkdir data && seq 1 60000 >data/one.csv && head -c 600000 /dev/urandom >data/two
chama a publish plan data >/dev/null 2>&1
chama a grant plan tourism >/dev/null
chama b bundle create key.tar >/dev/null 2>&1
chama a bundle apply key.tar >/dev/null 2>&1
want "a first bundle" 0 chama a bundle create first.tar plan --for tourism
touch taken.tar
for bad in "taken.tar: is there already" "nowhere/back.tar: No such file" "back.zip: want a name that ends in"; do
    want "a receipt that cannot be written" "$(case $bad in back.zip*) echo 2 ;; *) echo 1 ;; esac)" chama b bundle apply first.tar --receipt "${bad%%:*}"
    has "is refused before anything is applied" "$err$out" "chama: --receipt: ${bad%%/back*}"
done
equal "nothing came" "$(chama b ls --json | tr -d ' \n')" "[]"
want "is applied, with a receipt to carry back" 0 chama b bundle apply first.tar --receipt back.tar
has "and named" "$out" "back.tar: to be carried back"
want "it" 0 chama b receipts
has "is owed a delivery" "$out" "delivery owed"
want "the owner takes it" 0 chama a bundle apply back.tar
want "its ledger" 0 chama a receipts
has "now has the delivery" "$out" "receipt owed"

# Only what is lacking.
echo more >>data/one.csv
chama a publish plan data >/dev/null 2>&1
want "the next, judged by the receipt" 0 chama a bundle create next.tar plan@1 plan@2 --since back.tar
has "leaves out what is there" "$err" "1 versions left out"
want "the same, judged by the bundle before" 0 chama a bundle create other.tar plan@1 plan@2 --since first.tar
has "leaves it out, too" "$err" "1 versions left out"
[ "$(stat -c %s next.tar)" -lt 300000 ] && ok "and is no larger" || bad "and is no larger" "$(stat -c %s next.tar)"
want "it is applied" 0 chama b bundle apply next.tar --receipt back2.tar
has "and is whole" "$out" "1 of its 1 versions held"
has "the receipt of the first is stated" "$err" "1 receipt stated"
want "the owner" 0 chama a bundle apply back2.tar
want "has it" 0 chama a receipts
has "as a pair" "$out" "$(chama a receipts plan@1 2>/dev/null | head -c 10)"
equal "of the first version once" "$(chama a receipts | grep -c 'plan@1')" "1"
has_not "and nothing is owed for it" "$(chama a receipts --unmatched)" "plan@1"
want "it is not applied twice" 0 chama a bundle apply back2.tar
equal "with another outcome" "$(chama a receipts | grep -c 'plan@1')" "1"

# Refused.
want "by what another wrote of itself" 4 chama c bundle create no.tar --since back.tar
want "for one and by another" 2 chama a bundle create no.tar plan --since back.tar --for tourism
want "a receipt to a stranger" 2 chama c bundle apply key.tar --receipt no.tar
has "wants it pinned" "$err" "B29"
[ -e no.tar ] && bad "and is not written" || ok "and is not written"
want "a bundle for anyone" 0 chama b bundle create open.tar
want "says nothing of what its writer holds" 1 chama a bundle create no.tar plan --since open.tar
