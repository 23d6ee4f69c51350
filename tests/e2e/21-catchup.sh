#!/bin/sh
# Cosignatures that an owner could not take, or that are of an older checkpoint, come at the next sync, though no ledger has changed (E7, PU21).
. "$SOURCE/tests/lib.sh"

make_node a Forestry
make_node b Tourism
pair a b
start a && start b
mkdir one && echo one >one/file
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
requests() { python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["requests"])'; }
id_a=$(chama a id --json | field node)
id_b=$(chama b id --json | field node)
note_of() { curl -s -k "https://$(address_of a)/log/$id_a/checkpoint"; }

want "publish" 0 chama a publish one one --share open
want "a witness sees it" 0 chama b sync
equal "whose keys the owner does not know: its line is let go" "$(note_of | grep -c '^— ')" 1
want "another sync" 0 chama b sync --json
equal "asks for nothing more: the owner could not keep it" "$(printf '%s' "$out" | requests)" 1
want "the owner learns the keys" 0 chama a sync
before=$(note_of | sed -n 1,4p)
want "the witness syncs again" 0 chama b sync
equal "the checkpoint is the same" "$(note_of | sed -n 1,4p)" "$before"
equal "and has the witness's line now" "$(note_of | grep -c "^— chama/$id_b ")" 1
want "a sync when nothing is left to do" 0 chama b sync --json
equal "is one request" "$(printf '%s' "$out" | requests)" 1
want "the owner, too, has nothing to do" 0 chama a sync --json
equal "in one request" "$(printf '%s' "$out" | requests)" 1

# The owner signs anew, at the same size: the kept checkpoint is gone, as after an hour.
stop a
rm a/log/own/checkpoint || bad "where is the checkpoint?"
sleep 1
start a
after=$(note_of | sed -n 1,4p)
if [ "$after" != "$before" ]; then ok "a checkpoint of the same size, signed later"; else bad "the checkpoint is the old one" "$after"; fi
equal "as many records" "$(printf '%s\n' "$after" | sed -n 2p)" "$(printf '%s\n' "$before" | sed -n 2p)"
equal "has the owner's line alone" "$(note_of | grep -c '^— ')" 1
want "the witness syncs" 0 chama b sync
equal "its line is there" "$(note_of | grep -c "^— chama/$id_b ")" 1
want "and once more" 0 chama b sync --json
equal "for one request" "$(printf '%s' "$out" | requests)" 1
want "what is known of times stays that of the first sight" 0 chama a verify one@1
has "one witness" "$out" "one@1: cosigned by 1 known node"

