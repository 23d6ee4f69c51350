#!/bin/sh
# Three nodes that see each other's ledgers: cosignatures collected, served, judged by a policy; add-checkpoint of C2SP tlog-witness.
. "$SOURCE/tests/lib.sh"

for node in a b c; do
    case $node in a) name=Forestry ;; b) name=Tourism ;; c) name=Health ;; esac
    make_node $node $name
done
pair a b && pair a c && pair b c
start a && start b && start c
fixture v1
mkdir one && echo one >one/file
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
id_a=$(chama a id --json | field node)
id_b=$(chama b id --json | field node)
id_c=$(chama c id --json | field node)
note_of() { curl -s -k "https://$(address_of a)/log/$id_a/checkpoint"; }

want "publish" 0 chama a publish divisions v1 --share open
want "verify before anyone saw it" 0 chama a verify divisions@1
has "nobody has seen it" "$out" "divisions@1: cosigned by no known node"
equal "its checkpoint has its owner's line alone" "$(note_of | grep -c '^— ')" 1

# Each learns who the others are, then sees the ledger of the first.
want "the first learns the others' keys" 0 chama a sync
want "the second sees it" 0 chama b sync
want "the third sees it" 0 chama c sync
note_of >note
equal "the owner serves three lines" "$(grep -c '^— ' note)" 3
equal "its own first" "$(sed -n '/^— /{p;q}' note | cut -d' ' -f2)" "chama/$id_a"
has "the second's" "$(cat note)" "— chama/$id_b "
has "the third's" "$(cat note)" "— chama/$id_c "
want "verify" 0 chama a verify divisions@1
has "two have seen it" "$out" "divisions@1: cosigned by 2 known nodes, earliest 2"
has "and the whole ledger" "$out" "ledger of this node: cosigned by 2 known nodes, earliest 2"
want "the second syncs again" 0 chama b sync
equal "nothing is cosigned twice" "$(note_of | grep -c '^— ')" 3

# A policy.
for node in b c; do echo "witness $node $(chama $node id --json | field witness)"; done >two
{ cat two; echo "group g all b c"; echo "quorum g"; } >policy
{ echo "log $(chama b id --json | field log)"; cat policy; } >other-log
want "verify by a policy" 0 chama a verify divisions@1 --policy "$FOLDER/policy"
has "both have" "$out" "divisions@1: seen by 2 of 2 witnesses, earliest 2"
want "the same as JSON" 0 chama a verify divisions@1 --policy "$FOLDER/policy" --json
equal "quorum" "$(printf '%s' "$out" | python3 -c 'import json,sys; s=json.load(sys.stdin)["subjects"][1]["seen"]; print(s["seen"], s["witnesses"], s["quorum"], s["policy"], s["earliest"] <= s["reached"])')" "2 2 True True True"
want "a policy for another log" 0 chama a verify divisions@1 --policy "$FOLDER/other-log"
has "says nothing of this one" "$out" "not a log that the policy names"
want "a policy that is not there" 1 chama a verify --policy "$FOLDER/none"
{ cat policy; echo "quorum b"; } >bad
want "a policy with two quorums" 3 chama a verify --policy "$FOLDER/bad"
has "is refused by line and rule" "$err" "line 5: T34"
cp policy a/policy.txt
sed -i 's/^policy =.*/policy = policy.txt/' a/config.ini
want "the policy of config.ini" 0 chama a verify divisions@1
has "counts" "$out" "seen by 2 of 2 witnesses"
sed -i 's/^policy = policy.txt/policies = policy.txt/' a/config.ini
want "a key that is none" 2 chama a verify divisions@1
sed -i 's/^policies = policy.txt/policy =/' a/config.ini

# Seen by one only; and what travels through the owner to the other.
want "another version" 0 chama a publish divisions one --share open
want "the third alone sees it" 0 chama c sync
want "verify" 0 chama a verify divisions@2 --policy "$FOLDER/policy"
has "one of two is not enough" "$out" "divisions@2: seen by 1 of 2 witnesses, earliest 2"
has "for this policy" "$out" "; the policy wants more"
want "the second follows" 0 chama b follow '*'
want "and syncs" 0 chama b sync
want "it verifies" 0 chama b verify forestry/divisions@2
has "and knows the third's from the owner's checkpoint" "$out" "forestry/divisions@2: cosigned by 2 known nodes"
want "a proof to hand over" 0 chama a prove divisions@2
printf '%s\n' "$out" >proof
equal "has the witnesses' lines" "$(grep -c '^— ' proof)" 3
want "check, without a node" 0 env HOME=/nonexistent "$CHAMA" --home /nonexistent/home check "$FOLDER/proof" --policy "$FOLDER/policy"
want "check by another log's policy" 3 env HOME=/nonexistent "$CHAMA" --home /nonexistent/home check "$FOLDER/proof" --policy "$FOLDER/other-log"
want "fsck" 0 chama a fsck

# add-checkpoint, as any C2SP client does it.
note_of | sed '/^— chama\/'"$id_a"' /!{/^— /d}' >bare
size=$(sed -n 2p bare)
add() {  # OLD-LINE FILE: status and type; the body is in answer
    { echo "$1"; echo; cat "$2"; } | curl -s -k -o answer -w '%{http_code} %{content_type}' --data-binary @- "https://$(address_of c)/witness/add-checkpoint"
}
equal "from another size than was cosigned" "$(add "old 0" bare)" "409 text/x.tlog.size"
equal "says which" "$(cat answer)" "$size"
equal "from that one" "$(add "old $size" bare)" "200 text/plain; charset=utf-8"
equal "gives a line" "$(cut -d' ' -f1-2 answer)" "— chama/$id_c"
equal "and no more" "$(wc -l <answer)" 1
equal "an old size above the new one" "$(add "old $((size + 1))" bare | cut -c1-3)" 400
equal "no old line" "$(add "size 1" bare | cut -c1-3)" 400
equal "leading zeros" "$(add "old 0$size" bare | cut -c1-3)" 400
sed "s/^chama\/$id_a\$/chama\/$id_c/" bare >other
equal "its own log" "$(add "old $size" other | cut -c1-3)" 404
sed "s/^chama\/$id_a\$/log.example/" bare >other
equal "a log that it does not know" "$(add "old $size" other | cut -c1-3)" 404
sed "2s/.*/$((size + 1))/" bare >other
equal "a checkpoint that was not signed" "$(add "old $size" other | cut -c1-3)" 403
equal "a proof where none belongs" "$(add "old $size
$(sed -n 3p bare)" bare | cut -c1-3)" 422
: >empty
equal "no checkpoint at all" "$(add "old $size" empty | cut -c1-3)" 400
equal "by GET" "$(curl -s -k -o /dev/null -w '%{http_code}' "https://$(address_of c)/witness/add-checkpoint")" 405
equal "sign-subtree is not there" "$(curl -s -k -o /dev/null -w '%{http_code}' -d x "https://$(address_of c)/witness/sign-subtree")" 404
hash=$(printf %s "chama/$id_a" | sha256sum | cut -d' ' -f1)
watch() { curl -s -k -o watched -w '%{http_code}' "$@" "https://$(address_of c)/witness/$hash/checkpoint"; }
equal "what was cosigned last is not for anyone" "$(watch)" 404
equal "for a peer it is" "$(watch --cert a/keys/tls.crt --key a/keys/tls.key)" 200
equal "with two lines" "$(grep -c '^— ' watched)" 2

# Cosignatures are taken from peers, and of its own checkpoints.
give() { curl -s -k -o answer -w '%{http_code}' --data-binary @note "$@" "https://$(address_of a)/v1/cosignatures"; }
equal "cosignatures from a stranger" "$(give)" 404
equal "from a peer" "$(give --cert b/keys/tls.crt --key b/keys/tls.key)" 200
equal "that are known" "$(cat answer)" 0
curl -s -k "https://$(address_of b)/log/$id_b/checkpoint" >note
equal "of another's checkpoint" "$(give --cert b/keys/tls.crt --key b/keys/tls.key)" 400
