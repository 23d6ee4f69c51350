#!/bin/sh
# Witnesses that are no chama nodes (W20, W21, T18): one in Python asked for cosignatures, all that it can do wrong; and this node asked by a client in Python.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
witness() { python3 "$SOURCE/tests/interop/witness.py" "$@"; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

make_node a Forestry
start a
mkdir one && echo 一 >one/数据
version() { date +%N >one/now; chama a publish one one --share open >/dev/null 2>&1 || bad "publish"; }
version
id=$(chama a id --json | field node)
log=$(chama a id --json | field log)
note_of() { curl -s -k "https://$(address_of a)/log/$id/checkpoint"; }
at=$(port)
vkey=$(witness make w witness.example/w1)
python3 "$SOURCE/tests/interop/witness.py" serve w "$log" "$at" 2>w.log &
servers="$servers $!"
for _ in $(seq 100); do [ -f w/listening ] && break; sleep 0.05; done
cat >a/policy.txt <<END
witness first $vkey https://127.0.0.1:$at
quorum first
END
sed -i 's/^policy =.*/policy = policy.txt/' a/config.ini
asks() { : >w/requests; want "$@"; }

want "nobody has seen it" 0 chama a verify one
has "yet" "$out" "seen by none of 1 witness"
asks "a sync without peers" 0 chama a sync
has "asks the witness" "$out" "witness witness.example/w1: cosigned the 3 records of this node"
equal "in one request" "$(cat w/requests)" "old 0"
want "verify" 0 chama a verify one
has "by the policy" "$out" "one@1: seen by 1 of 1 witness, earliest 2"
note_of >note
equal "its line is served" "$(grep -c '^— witness.example/w1 ' note)" 1
want "and openssl says that it holds" 0 python3 "$SOURCE/tests/interop/cosigned.py" "$vkey" note
asks "another sync" 0 chama a sync
equal "asks nobody" "$(cat w/requests)" ""
version
asks "after another version" 0 chama a sync
equal "it continues from the size before" "$(cat w/requests)" "old 3"
has "with a proof" "$out" "cosigned the 4 records"
size=4

# It forgets, or has seen more by another way: 409 says from where.
echo "0 $(printf '' | sha256sum | cut -d' ' -f1)" >w/latest
version; size=$((size + 1))
asks "a witness that forgot" 0 chama a sync
equal "says from where" "$(tr '\n' ' ' <w/requests)" "old 4 old 0 "
has "and cosigns" "$out" "cosigned the $size records"
asks "as JSON: nothing to do" 0 chama a sync --json
equal "an empty list" "$out" "[]"
version; size=$((size + 1))
asks "as JSON" 0 chama a sync --json
equal "who, and how much" "$(printf '%s' "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin)[0]; print(d["witness"], d["cosigned"], d["size"])')" "witness.example/w1 True $size"
echo twice >w/mode
version; size=$((size + 1))
asks "another line beside its own" 0 chama a sync
has "does not matter" "$out" "cosigned the $size records"
equal "and is not kept" "$(note_of | grep -c '^— stranger ')" 0

# What it can do wrong: one line each, exit 0, nothing kept, bounded.
version; size=$((size + 1))
before=$(note_of | grep -c '^— ')
refusal() {  # MODE TEXT
    echo "$1" >w/mode
    began=$(date +%s)
    asks "a witness that answers $1" 0 chama a sync
    [ "$(($(date +%s) - began))" -le 25 ] && ok "takes no longer than it may" || bad "it took $(($(date +%s) - began)) seconds"
    equal "one line says so" "$(printf '%s\n' "$err" | grep -c "^chama: witness ")" 1
    has "why" "$err" "chama: witness witness.example/w1: $2"
    [ "$(wc -l <w/requests)" -le 3 ] && ok "in few requests" || bad "$(wc -l <w/requests) requests"
    equal "nothing is kept" "$(note_of | grep -c '^— ')" "$before"
}
refusal 400 "W21: calls the request malformed (400)"
refusal 403 "W21: knows no key of this log that signed the checkpoint (403)"
refusal 404 "W21: does not know this log: give its owner the key of \`chama id\` (404)"
refusal 422 "W21: says that this history does not continue the one that it cosigned (422)"
refusal 500 "W21: want status 200, have 500"
refusal 409 "W21: want with status 409 a size in decimal and a line feed, have something else"
refusal size "W21: want with status 409 a size in decimal and a line feed, have something else"
refusal ahead "W21: has cosigned 1000000 records of this node, which has $size: was it restored from a backup?"
refusal same "W21: says with status 409 that it cosigned the very size that it was asked from"
refusal redirect "W21: want status 200, have 302"
refusal garbage "W21: want signature lines, have something else"
refusal empty "W21: want signature lines, have something else"
refusal gap "W21: want signature lines, have something else"
refusal open "W21: want signature lines, have something else"
echo "0 $(printf '' | sha256sum | cut -d' ' -f1)" >w/latest
refusal other "W21: want a line of its own, have none"
refusal forged "W21: cosignature: T14"
refusal huge "answer to /add-checkpoint: want at most 65536 bytes"
refusal trickle "https://127.0.0.1:$at: PU53: want an answer within 20 seconds and 1 more for each 8192 bytes"
echo good >w/mode
echo "$((size - 1)) $(printf x | sha256sum | cut -d' ' -f1)" >w/latest
asks "one that saw another history" 0 chama a sync
has "refuses" "$err" "does not continue the one that it cosigned (422)"
echo "0 $(printf '' | sha256sum | cut -d' ' -f1)" >w/latest
asks "when all is well again" 0 chama a sync
has "it cosigns" "$out" "cosigned the $size records"

# The daemon asks by itself, once, and again only after a while.
version; size=$((size + 1))
echo 500 >w/mode
: >w/requests
stop a
sed -i 's/^interval = .*/interval = 1/' a/config.ini
"$CHAMA" --home "$FOLDER/a" serve 2>a.log &
echo $! >a.pid
servers="$servers $!"
sleep 4
equal "it asks" "$(wc -l <w/requests)" 1
equal "and logs one line" "$(grep -c 'witness.example/w1' a.log)" 1
has "which says why" "$(grep witness.example/w1 a.log)" "want status 200, have 500"
stop a
sed -i 's/^interval = .*/interval = 0/' a/config.ini
start a
echo good >w/mode
asks "by hand at once" 0 chama a sync
has "it cosigns" "$out" "cosigned the $size records"

# Kept: by whom it was seen stands in a proof, which needs no node.
want "a proof" 0 chama a prove one@1
printf '%s\n' "$out" >proof
has "has the witness's key" "$(cat proof)" "verifier $vkey"
want "check it by the policy" 0 "$CHAMA" --home /nonexistent check proof --policy a/policy.txt
want "log says between when" 0 chama a show one@1 --json
has "and who" "$out" '"witness": "witness.example/w1"'
sed -i 's/^policy = policy.txt/policy =/' a/config.ini
want "without the policy" 0 chama a verify one@1
has "it is still known" "$out" "one@1: cosigned by 1 other witness, earliest 2"
want "fsck" 0 chama a fsck

# Policies that cannot be.
sed -i 's/^policy =.*/policy = policy.txt/' a/config.ini
sed 's|https://127|http://127|' a/policy.txt >p && cp p a/policy.txt
version
want "an address that is no https" 0 chama a sync
has "is named" "$err" "want an address that begins with https://"
echo "quorum nobody" >a/policy.txt
want "a policy that is broken" 3 chama a sync
has "by its line" "$err" "line 1"

# The other way: this node as a witness, and a client in Python whose log it is.
make_node z Equivocator
make_node t Tourism
pair t z
for home in t z; do start $home; done
want "the witness sees the log" 0 chama t sync equivocator
id=$(chama z id --json | field node)
curl -s -k "https://$(address_of z)/log/$id/checkpoint" >note
curl -s -k "https://$(address_of z)/log/$id/tile/0/000.p/$(sed -n 2p note)" >leaves
python3 - "$id" "$(chama z id --json | field log)" "$(chama t id --json | field witness)" z/keys/log.key <<'END' >state
import json, sys
leaves = open("leaves", "rb").read()
print(json.dumps({"origin": "chama/" + sys.argv[1], "id": sys.argv[2].split("+")[1], "vkey": sys.argv[3], "key": sys.argv[4],
                  "leaves": [leaves[i:i + 32].hex() for i in range(0, len(leaves), 32)]}))
END
python3 "$SOURCE/tests/interop/asked.py" state "$(address_of t)" || bad "a client of the witness"
