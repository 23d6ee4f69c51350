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

# To an auditor, whom nobody told: in a file, or as a peer.
make_node c Auditor
pair b c
want "the auditor knows the receiver's ledger" 0 chama c sync
want "and nothing of receipts" 0 chama c receipts
equal "in it" "$out" ""
receipt=$(chama b receipts --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["receipt"]["record"])')
delivery=$(chama b receipts --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["delivery"]["record"])')
want "reveal a receipt in a file" 0 chama b reveal "$receipt" --file receipt.proof
want "a file is never replaced" 1 chama b reveal "$receipt" --file receipt.proof
want "check it with no node" 0 "$CHAMA" --home /nonexistent check receipt.proof
has "says what it is" "$out" "that content arrived"
has "and shows it" "$out" "$delivery"
python3 - <<'PY'
data = bytearray(open("receipt.proof", "rb").read())
data[len(data) // 2] ^= 1
open("forged.proof", "wb").write(bytes(data))
PY
want "a flipped bit" 3 "$CHAMA" --home /nonexistent check forged.proof
want "reveal it to a peer" 0 chama b reveal "$receipt" --to auditor
has "from its next sync on" "$out" "auditor may read this receipt/1 from its next sync on"
want "once more is no more" 0 chama b reveal "$receipt" --to auditor --json
want "a delivery in another's ledger" 0 chama b reveal "$delivery" --to auditor
want "the auditor syncs" 0 chama c sync
has "and is shown both" "$out$err" "2 sealed statements revealed to this node"
want "and reads" 0 chama c receipts
has "what both stated" "$out" "matched"
want "the next sync" 0 chama c sync
has_not "brings nothing twice" "$out$err" "revealed"
want "the auditor's home" 0 chama c fsck
want "what is not sealed" 2 chama b reveal 1 --to auditor
want "what is not for this node" 1 chama c reveal 99 --to tourism
sealed=$(chama a grants --json | python3 -c 'import json, sys; print([g["record"] for g in json.load(sys.stdin) if g["peer"] == "mirror"][0])')
want "what is for others" 1 chama b reveal "$sealed" --to auditor
has "says so" "$err" "not for this node"
want "to whom nobody accepted" 4 chama a reveal "$sealed" --to self
want "to nobody" 2 chama a reveal "$sealed"
want "to two" 2 chama a reveal "$sealed" --to mirror --file x
want "no record" 2 chama a reveal everything --to mirror

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
