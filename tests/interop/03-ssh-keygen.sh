#!/bin/sh
# A record is signed as OpenSSH signs: ssh-keygen and a clone are enough to check one by hand.
. "$SOURCE/tests/lib.sh"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null

make_node a Forestry
mkdir data
echo hello >data/hello
chama a publish greetings data --share open >/dev/null
id=$(chama a id | head -n 1)
git clone -q a/ledger.git clone
cd clone || exit 1

# verify FILE SIGNATURE [ALLOWED [ID [NAMESPACE]]]
verify() { ssh-keygen -Y verify -f "${3:-allowed_signers}" -I "${4:-$id}" -n "${5:-chama-record}" -s "$2" <"$1"; }
folder=records/0000/00/00
record=$folder/000000002.json
count=0
for file in "$folder"/*.json; do
    verify "$file" "$file.sig" >/dev/null 2>&1 && count=$((count + 1))
done
equal "every record, by hand" "$count" 3
want "one of them" 0 verify $record $record.sig
has "says who" "$out" "Good \"chama-record\" signature for $id with ED25519 key SHA256:"
want "find-principals" 0 ssh-keygen -Y find-principals -f allowed_signers -s $record.sig
equal "finds the node" "$out" "$id"
equal "the node id is the hash of the inception" "$(python3 -c '
import base64, hashlib, sys
print(base64.b32encode(hashlib.sha256(sys.stdin.buffer.read()).digest()).decode().lower().rstrip("="))' <$folder/000000000.json)" "$id"
equal "prev is the hash of the record before" "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["prev"])' $record)" \
    "sha256:$(sha256sum <$folder/000000001.json | cut -d' ' -f1)"

want "the signature of another record is refused" 255 verify $record $folder/000000001.json.sig
sed 's/greetings/Greetings/' $record >altered
want "an altered record is refused" 255 verify altered $record.sig
(cat $record && echo) >longer
want "a line feed more is refused" 255 verify longer $record.sig
want "another namespace is refused" 255 verify $record $record.sig allowed_signers "$id" git
want "another name is refused" 255 verify $record $record.sig allowed_signers nobody
ssh-keygen -q -t ed25519 -N '' -f other
sed "s|ssh-ed25519 .*|$(cut -d' ' -f1,2 other.pub)|" allowed_signers >others
want "another key is refused" 255 verify $record $record.sig others
sed 's/namespaces="[^"]*"/namespaces="git"/' allowed_signers >others
want "a key for commits alone is refused" 255 verify $record $record.sig others

# The other way: what OpenSSH signs with the node's own key is the same signature, bit for bit (Ed25519 and SSHSIG leave no choice).
openssl pkey -in "$FOLDER/a/keys/signing.key" -outform DER 2>/dev/null | tail -c 32 >seed
python3 - seed other.pub "$(cut -d' ' -f4 allowed_signers)" >mine <<'P'
"""An OpenSSH private key file of a seed (PROTOCOL.key)."""
import base64, struct, sys
def string(data): return struct.pack(">I", len(data)) + data
seed, public = open(sys.argv[1], "rb").read(), base64.b64decode(sys.argv[3])
secret = bytes(8) + public + string(seed + public[-32:]) + string(b"")
secret += bytes(range(1, 1 + -len(secret) % 8))
key = b"openssh-key-v1\0" + string(b"none") + string(b"none") + string(b"") + struct.pack(">I", 1) + string(public) + string(secret)
print("-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(key).decode() + "-----END OPENSSH PRIVATE KEY-----")
P
chmod 600 mine
ssh-keygen -q -Y sign -f mine -n chama-record <$record >signature 2>/dev/null
cmp -s signature $record.sig && ok "ssh-keygen signs the same" || bad "ssh-keygen signs otherwise" "$(cat signature)"
