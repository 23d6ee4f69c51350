#!/bin/sh
# W25: a receiver that nobody can reach brings its records, receipts and cosignatures over the connection that it opened; and what is refused.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

make_node a Forestry
make_node b Tourism
make_node c Stranger
pair a b
start a
id_b=$(chama b id --json | json "['node']")
mkdir data && echo one >data/one
chama a publish cover data --share conditional >/dev/null 2>&1
chama a grant cover tourism >/dev/null
chama b follow 'forestry/*' >/dev/null 2>&1

want "a receiver that does not serve" 0 chama b sync
has "states its receipt" "$err" "1 receipt stated"
has_not "a provider that has not tried to reach it asks for nothing" "$err" "brought"
want "the provider" 0 chama a receipts
has "waits for a receipt" "$out" "receipt owed  by tourism"
want "and cannot fetch it" 5 chama a sync
want "the receiver syncs again" 0 chama b sync
has "and brings its ledger" "$err" "forestry cannot reach this node: 3 records brought"
want "the provider" 0 chama a receipts
has "has the receipt" "$out" "matched"
want "nothing" 0 chama a receipts --unmatched
equal "is owed" "$out" ""
want "whose keys it knows now: the next sync" 0 chama b sync
want "its version" 0 chama a verify cover@1
has "is known to be cosigned" "$out" "cosigned by 1 known node"
want "a sync when nothing is new" 0 chama b sync --json
equal "is one request" "$(printf '%s' "$out" | json "[0]['requests']")" 1

echo two >data/two
chama a publish cover data --share conditional >/dev/null 2>&1
want "the next version" 0 chama b sync
has "its receipt" "$err" "1 receipt stated"
has "is brought in the same sync" "$err" "1 records brought"
want "the provider" 0 chama a receipts --json
equal "has both" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 2

# Many openings at once: more than one request holds.
for i in $(seq 20); do echo "$i" >data/now; chama a publish "set$i" data --share conditional >/dev/null 2>&1; chama a grant "set$i" tourism >/dev/null; done
chama a publish big data --share open >/dev/null 2>&1
want "many" 0 chama b sync
want "the provider" 0 chama a receipts --json
equal "has all" "$(printf '%s\n' "$out" | grep -c '"standing": "matched"')" 22

# Both at once: nobody waits for the other for ever.
for i in 1 2 3 4 5; do
    chama a attest cover@1 --type review --result pass >/dev/null 2>&1
    chama b attest forestry/cover@1 --type review --result pass >/dev/null 2>&1
    timeout 30 "$CHAMA" --home "$FOLDER/a" sync >/dev/null 2>&1 &
    one=$!
    timeout 30 "$CHAMA" --home "$FOLDER/b" sync >/dev/null 2>&1
    two=$?
    wait $one
    one=$?
    [ $one -ne 124 ] && [ $two -eq 0 ] || bad "syncs of both at once" "$one $two"
done
want "then" 0 chama b sync
equal "the provider holds the receiver's whole ledger" "$(git -C "a/ledgers/$id_b.git" rev-parse HEAD)" "$(git -C b/ledger.git rev-parse HEAD)"

# By hand: what is refused.
post() { curl -s -k -o answer -w '%{http_code}' --cert "$1/keys/tls.crt" --key "$1/keys/tls.key" --data-binary @"$2" "https://$(address_of a)/v1/brought"; }
: >nothing
equal "a stranger" "$(post c nothing)" 404
equal "nobody at all" "$(curl -s -k -o /dev/null -w '%{http_code}' -d x "https://$(address_of a)/v1/brought")" 404
equal "by GET" "$(curl -s -k -o /dev/null -w '%{http_code}' "https://$(address_of a)/v1/brought")" 405
equal "nothing" "$(post b nothing)" 400
has "is named" "$(cat answer)" "brought: W23: want a reply, a line feed and records"
echo '{}' >empty
equal "no reply" "$(post b empty)" 400
head -c 2000000 /dev/zero >huge
equal "too much" "$(post b huge)" 413
reply() { printf '{"ledgers":[%s],"node":"%s","openings":[],"peer":true,"type":"exchange-reply/1"}\n' "$2" "$1"; }
reply "$(chama a id --json | json "['node']")" '' >other
equal "what another says" "$(post b other)" 400
has "is refused" "$(cat answer)" "brought: W23: want what $id_b says"
reply "$id_b" '' >little
equal "nothing new" "$(post b little)" 200
has "says where it stands" "$(cat answer)" '"bring":{"openings":'
# A longer ledger than there are records, of its own checkpoint; a forged one.
note=$(curl -s -k "https://$(address_of a)/log/$id_b/checkpoint" --cert b/keys/tls.crt --key b/keys/tls.key | sed '/^— /{/'"$id_b"'/!d}' | python3 -c 'import json,sys; print(json.dumps(sys.stdin.read(), ensure_ascii=False))')
reply "$id_b" "{\"access\":\"whole\",\"checkpoint\":$note,\"node\":\"$id_b\",\"size\":1000}" >longer
equal "an offer without records" "$(post b longer)" 200
has "brings nothing, and the log says why" "$(grep path=/v1/brought a.log)" "cut"
before=$(git -C "a/ledgers/$id_b.git" rev-parse HEAD)
{ cat longer; echo "batch 0 1 AAAA"; } >wrong
equal "records from elsewhere" "$(post b wrong)" 200
{ cat longer; head -c 1000 /dev/urandom; } >wrong
equal "bytes that are no records" "$(post b wrong)" 200
equal "nothing was taken" "$(git -C "a/ledgers/$id_b.git" rev-parse HEAD)" "$before"
want "no evidence against it" 0 chama a evidence --json
has_not "is kept" "$out" "$id_b"
for home in a b; do want "the home of $home is sound" 0 chama $home fsck; done

# A peer that can be reached is not asked to bring anything.
start b
want "the provider reaches it" 0 chama a sync
chama a attest cover@2 --type review --result pass >/dev/null 2>&1
chama b attest forestry/cover@2 --type review --result pass >/dev/null 2>&1
want "a sync" 0 chama b sync
has_not "brings nothing" "$err" "brought"
