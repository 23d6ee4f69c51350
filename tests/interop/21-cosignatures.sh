#!/bin/sh
# Cosignatures read by Python and verified by openssl; and one that Python and openssl made, taken by chama.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
cosigned() { python3 "$SOURCE/tests/interop/cosigned.py" "$@"; }
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

make_node a Forestry
make_node b Tourism
pair a b
start a && start b
chama a sync >/dev/null 2>&1 && chama b sync >/dev/null 2>&1 || bad "syncs"
id=$(chama a id --json | field node)
vkey=$(chama b id --json | field witness)
now=$(date +%s)
curl -s -k "https://$(address_of a)/log/$id/checkpoint" >note
want "openssl verifies a node's cosignature" 0 cosigned "$vkey" note
[ "$((now - out))" -lt 600 ] && [ "$((now - out))" -ge 0 ] && ok "its time is now" || bad "its time is now" "$out" "$now"
sed '2s/.*/1/' note >other
want "of another size it does not hold" 3 cosigned "$vkey" other
sed '4s/time 20/time 21/' note >other
want "nor of another time of the owner's" 3 cosigned "$vkey" other
want "the owner is no witness of its own" 1 cosigned "$(chama a id --json | field witness)" note
want "a log's key is no witness's" 3 cosigned "$(chama a id --json | field log)" note

# The published examples, by the same reader.
python3 - "$SOURCE/tests" <<'END'
import json, sys
vectors = json.load(open(sys.argv[1] + "/vectors.json"))["checkpoint"]
c2sp = json.load(open(sys.argv[1] + "/c2sp/checkpoint.json"))["computed_here"]
for name, note, key in ("vector", vectors["cosigned_note"], vectors["witness_vkey"]), ("c2sp", c2sp["checkpoint"], c2sp["witness_vkey"]):
    open(name + ".note", "w").write(note)
    open(name + ".key", "w").write(key)
END
want "an example" 0 cosigned "$(cat vector.key)" vector.note
equal "is of its time" "$out" 1780362000
want "another" 0 cosigned "$(cat c2sp.key)" c2sp.note
equal "is of its time" "$out" 1679315147

# openssl cosigns with the witness's log key; the owner takes the line from its peer like one that chama made.
chama a publish one note --share open >/dev/null 2>&1
curl -s -k "https://$(address_of a)/log/$id/checkpoint" >fresh
python3 - "$vkey" fresh b/keys/log.key 1777622400 <<'END' >made
import base64, subprocess, sys
name, number, _ = sys.argv[1].split("+", 2)
note, time = open(sys.argv[2], encoding="utf-8").read(), int(sys.argv[4])
text = note.rpartition("\n\n")[0] + "\n"
open("message", "wb").write(f"cosignature/v1\ntime {time}\n{text}".encode())
subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", sys.argv[3], "-rawin", "-in", "message", "-out", "signature"], check=True)
blob = bytes.fromhex(number) + time.to_bytes(8, "big") + open("signature", "rb").read()
print(note + "— " + name + " " + base64.b64encode(blob).decode())
END
sed '$s/AAAA/AAAB/' made >altered
equal "one that was altered is let go" "$(curl -s -k --cert b/keys/tls.crt --key b/keys/tls.key --data-binary @altered "https://$(address_of a)/v1/cosignatures")" 0
equal "taken" "$(curl -s -k --cert b/keys/tls.crt --key b/keys/tls.key --data-binary @made "https://$(address_of a)/v1/cosignatures")" 1
want "and counted" 0 chama a verify one@1
has "by its time" "$out" "one@1: cosigned by 1 known node, earliest 2026-05-01T08:00:00Z"
