#!/bin/sh
# Deliveries and receipts: an owner, a mirror, a receiver; what each knows and owes, kills at any moment, and what is refused.
. "$SOURCE/tests/lib.sh"
fixture v1; fixture v2
make_node a Forestry
make_node b Tourism
make_node m Mirror
for home in a b m; do start $home; done
pair a b; pair a m; pair b m
chama a publish divisions v1 --share conditional >/dev/null
chama a publish open v2 --share open >/dev/null
chama a grant divisions tourism >/dev/null
chama a grant divisions mirror >/dev/null
for home in b m; do chama $home follow 'forestry/*' >/dev/null; done

want "receiver syncs with the owner" 0 chama b sync forestry
has "and states a receipt at once" "$out$err" "1 receipt stated"
want "the receiver knows both" 0 chama b receipts
has "version and parties" "$out" "forestry/divisions@1  forestry  ->  this node"
has "matched" "$out" "matched"
has_not "nothing of what is open" "$out" "open@1"
want "nothing is owed there" 0 chama b receipts --unmatched
equal "so the list is empty" "$out" ""
want "the owner knows its delivery" 0 chama a receipts
has "and that a receipt is owed" "$out" "receipt owed  by tourism"
want "an audit" 0 chama a audit --lang zh
has "says so" "$out" "提醒: 本节点"
has "in words" "$out" "已交付 tourism，对方尚欠回执"
want "it syncs" 0 chama a sync
want "and then" 0 chama a receipts
has "has the receipt" "$out" "matched"
want "as JSON" 0 chama a receipts --json divisions
has "with records" "$out" '"standing": "matched"'
has "and transfer" "$out" '"transfer": "'

# A mirror that serves states its own delivery; the owner, who took no part, is told of both.
want "the mirror syncs with the owner" 0 chama m sync forestry
stop a
rm -rf v3 && cp -r v1 v3 && echo more >v3/more && chmod -R u+w v3
want "a new version" 0 chama a publish divisions v3
start a
want "goes to the mirror" 0 chama m sync forestry
stop a
want "from there to the receiver" 0 chama b sync mirror
has "who states a receipt" "$out$err" "1 receipt stated"
want "the receiver sees who served" 0 chama b receipts forestry/divisions
has "the mirror" "$out" "forestry/divisions@2  mirror    ->  this node"
want "the mirror syncs with the receiver" 0 chama m sync tourism
want "and has its receipt" 0 chama m receipts --json
equal "of what it served, and its own receipts for what it got" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 3
start a
want "the owner syncs with both" 0 chama a sync
want "the owner knows of all four" 0 chama a receipts --json
equal "each matched" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 4
equal "one by the mirror" "$(printf '%s\n' "$out" | grep -c "\"provider\": \"$(chama m id --json | sed -n 's/.*"node": "\(.*\)".*/\1/p')\"")" 1
want "no one else" 0 chama a receipts --unmatched
equal "owes anything" "$out" ""

# Sealed: in the ledger stands nothing but a digest.
git -C b/ledger.git log -p | grep '^+' >b.ledger
has_not "no transfer in the ledger" "$(cat b.ledger)" "transfer"
has_not "no type of it either" "$(cat b.ledger)" "receipt/1"
equal "but sealed records" "$(grep -c '"type":"sealed/1"' b.ledger)" 2

# Nothing was lost where a receiver was killed at any moment, and nothing said twice.
for i in $(seq 3 26); do
    echo "$i" >v3/more
    chama a publish divisions v3 >/dev/null 2>&1
done
for delay in 0.02 0.05 0.08 0.1 0.12 0.15 0.17 0.2 0.23 0.26 0.3 0.35 0.4 0.5; do
    chama b sync forestry >/dev/null 2>&1 &
    sleep $delay
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
done
want "sync to the end" 0 chama b sync forestry
want "the owner, too" 0 chama a sync
want "all that is held" 0 chama b receipts --json forestry/divisions
equal "has a delivery and a receipt" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 26
equal "no transfer twice" "$(printf '%s\n' "$out" | grep '"transfer"' | sort | uniq -d)" ""
equal "no version twice" "$(printf '%s\n' "$out" | grep '"version"' | sort | uniq -d)" ""
want "the owner says the same" 0 chama a receipts --json divisions
equal "of all, with the mirror's two" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 28
want "nothing owed at the receiver" 0 chama b receipts --unmatched
equal "is left" "$out" ""
for home in a b m; do want "the home of $home is sound" 0 chama $home fsck; done

# A provider that is killed: the content has come, the delivery comes later.
for i in $(seq 27 34); do
    echo "$i" >v3/more
    chama a publish divisions v3 >/dev/null 2>&1
done
for delay in 0.1 0.2 0.3 0.4; do
    (sleep $delay; kill -9 "$(cat a.pid)") &
    chama b sync forestry >/dev/null 2>&1
    wait $! 2>/dev/null
    rm -f a.log
    start a
done
want "it is there again" 0 chama b sync forestry
want "then nothing" 0 chama b receipts --unmatched
equal "is owed" "$out" ""
want "each version" 0 chama b receipts --json forestry/divisions
equal "once" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 34
want "the provider's home is sound" 0 chama a fsck

# What a receiver does not say, its provider knows all the same; what is not its own opens nothing.
want "a file that is no name" 2 chama b receipts divisions@1
want "nobody's dataset" 1 chama b receipts nobody/divisions
has "says who is not known" "$err" "nobody"
