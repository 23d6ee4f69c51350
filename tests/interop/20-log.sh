#!/bin/sh
# Proofs followed by hand, and a log read by its tiles, by programs that share nothing with chama: Python's standard library and curl.
. "$SOURCE/tests/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
proof() { python3 "$SOURCE/tests/interop/proof.py" "$@"; }
tiles() { python3 "$SOURCE/tests/interop/tiles.py" "$@"; }

make_node a Forestry
make_node b Tourism
pair a b
mkdir d
for i in $(seq 9); do
    echo "$i" >d/file
    chama a publish cover d --share open >/dev/null 2>&1 || bad "publish"
done
chama a publish secret d >/dev/null 2>&1 && chama a grant secret tourism >/dev/null 2>&1 || bad "publish and grant"
size=$(chama a status --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["records"])')

for seq in $(seq 0 $((size - 1))); do
    chama a prove --record "$seq" >"$seq.proof"
    want "record $seq of $size by hand" 0 proof "$seq.proof"
    has "where it is" "$out" "record $seq of $size"
done
chama a prove secret --show >shown.proof
want "a content document" 0 proof shown.proof
has "shown" "$out" "shown: content/1"
chama a prove --record $((size - 1)) --show >grant.proof
want "an opening" 0 proof grant.proof
has "shown" "$out" "shown: opening/1"

# The end of the file by itself is a tlog-proof of the two lines below "record".
sed -n '/^c2sp/,$p' 5.proof >bare
sed -n 3,4p 5.proof >leaf
vkey=$(python3 - 5.proof "$SOURCE/tests/interop" <<'END'
import base64, json, sys
sys.path.insert(0, sys.argv[2])
from proof import decode, key_id
lines = open(sys.argv[1], "rb").read().split(b"\n")
key = decode(json.loads(lines[5])["log"].partition(":")[2], 32)
name = lines[lines.index(b"") + 1].decode()
print(f"{name}+{key_id(name, 1, key).hex()}+{base64.b64encode(bytes([1]) + key).decode()}")
END
)
want "a bare tlog-proof" 0 proof --tlog bare leaf "$vkey"
sed -n 3p 5.proof >leaf
want "of other bytes" 1 proof --tlog bare leaf "$vkey"
sed 's/"version":4/"version":5/' 5.proof >altered
want "an altered record" 1 proof altered

# openssl agrees on the log's signature, ssh-keygen on the record's.
python3 - 5.proof <<'END'
import base64, json, sys
data = open(sys.argv[1], "rb").read()
text, _, signatures = data.partition(b"\n\n")[2].rpartition(b"\n\n")
lines = data.split(b"\n")
open("text", "wb").write(text + b"\n")
open("sig", "wb").write(base64.b64decode(signatures.split(b"\n")[0].split(b" ")[2])[4:])
key = base64.b64decode(json.loads(lines[5])["log"].partition(":")[2])
open("key.der", "wb").write(bytes.fromhex("302a300506032b6570032100") + key)
open("record", "wb").write(lines[2])
blob = lines[3].decode()
open("record.sig", "w").write("-----BEGIN SSH SIGNATURE-----\n" + "\n".join(blob[i:i + 70] for i in range(0, len(blob), 70)) + "\n-----END SSH SIGNATURE-----\n")
END
openssl pkey -pubin -inform DER -in key.der -out key.pem
want "openssl on the checkpoint" 0 openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile sig
id=$(chama a id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])')
cp a/ledger.git/allowed_signers allowed
want "ssh-keygen on the record" 0 sh -c 'ssh-keygen -Y verify -f allowed -I "$1" -n chama-record -s record.sig <record' sh "$id"

# The tree by its tiles.
start a
prefix=https://$(address_of a)/log/$id
want "every leaf hash" 0 tiles "$prefix" -k
has "of all records" "$out" "$size leaves"
want "as a peer every entry" 0 tiles "$prefix" --entries -k --cert b/keys/tls.crt --key b/keys/tls.key
want "a stranger no entry" 1 tiles "$prefix" --entries -k
for older in 1 2 $((size - 1)); do want "what a checkpoint of $older needs is there" 0 tiles "$prefix" --size "$older" -k; done
want "nothing of more" 1 tiles "$prefix" --size $((size + 1)) -k

# The same as files.
want "the log as files" 0 chama a tiles www
has "without records" "$err" "not for anyone"
want "read from files" 0 tiles "file://$FOLDER/www"
want "no records there" 1 tiles "file://$FOLDER/www" --entries
want "with records" 0 chama a tiles www --entries
want "read from files" 0 tiles "file://$FOLDER/www" --entries
for i in $(seq 3); do
    echo "again $i" >d/file
    chama a publish cover d >/dev/null 2>&1 || bad "publish"
    want "what is new" 0 chama a tiles www --entries
done
want "read from files" 0 tiles "file://$FOLDER/www" --entries
has "of all records" "$out" "$((size + 3)) leaves"
chama b sync >/dev/null 2>&1
want "a peer's that is not for anyone" 4 chama b tiles other --node forestry
want "another's folder" 1 chama b tiles www

# A checkpoint that a peer has cosigned.
start b
chama a sync >/dev/null 2>&1 || bad "sync, to know the witness"
stop b
echo seen >d/file
chama a publish cover d >/dev/null 2>&1 || bad "publish"
chama b sync >/dev/null 2>&1 || bad "sync, to see"
chama a prove --record 5 >seen.proof
want "a cosigned proof by hand" 0 proof seen.proof
has "says who saw it" "$out" "seen by chama/$(chama b id --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["node"])') at "
sed '$d' seen.proof >unseen.proof
want "without the cosignature that it names" 1 proof unseen.proof
want "and by chama" 3 chama nowhere check unseen.proof

# Keys that changed: each rotation reveals what the one before committed to; a recovery begins another log.
stop a
chama a keys rotate >/dev/null 2>&1 || bad "rotate"
chama a prove --newest --record 5 >before.proof
want "a record by the first key, by hand" 0 proof before.proof
has "of two" "$out" "by key 2 of its node"
rotation=$(grep '^key ' before.proof | tail -n 1)
sed "/^$rotation\$/,/^profile/{/^profile/!d}" before.proof >forgot.proof
want "without the rotation" 1 proof forgot.proof
chama a keys rotate --stolen >/dev/null 2>&1 || bad "rotate --stolen"
chama a prove --newest --record 5 >after.proof
want "after a recovery, by hand" 0 proof after.proof
has "of three" "$out" "by key 3 of its node"
want "and by chama" 0 chama nowhere check after.proof
