#!/bin/sh
# Keys over time: rotation from a file on removable media, work before and after it, by peers, git and a sparse reader; every refusal.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
mkdir media
make_node a Forestry --next-key "$FOLDER/media/next-1.key"
make_node b Tourism
make_node c Health
start a && start b && start c
pair a b
chama a publish divisions v1 --share open -m first >/dev/null
chama b follow 'forestry/*' >/dev/null
want "a peer syncs before" 0 chama b sync
want "a stranger, too" 0 chama c peer add "https://$(address_of a)" --id "$(chama a id | head -n 1)"
want "it has the open part" 0 chama c sync

# What status says.
want "keys status" 0 chama a keys status
has "the next key is away" "$out" "next        offline: not in this home"
# Within the second in which the certificate was made it is a day more.
has "TLS has ten years" "$(printf "%s\n" "$out" | sed "s/, 3652 days/, 3651 days/")" ", 3651 days"
has_not "and no warning" "$out" WARNING
want "keys status in JSON" 0 chama a keys status --json
has "no rotation yet" "$out" '"rotations": 0'
has "keys here or not" "$out" '"where": "offline"'
want "a next key that is in the home" 0 chama b keys status
has "is warned of" "$out" "next        keys/next.key: move it to removable media"

# Refusals change nothing.
before=$(chama a id)
head=$(git -C a/ledger.git rev-parse main)
want "no verb" 2 chama a keys
want "another verb" 2 chama a keys turn
has "is named" "$err" "keys: want \`status\`, \`rotate\`, \`renew-tls\` or \`make\`, have turn; see \`chama keys --help\`"
want "without the next key" 1 chama a keys rotate --new-next media/next-2.key
has "where it should be is said" "$err" "a/keys/next.key: want the next key, which was written when the node was made or rotated last; say where it is with --next FILE"
want "with the key in use" 3 chama a keys rotate --next a/keys/signing.key --new-next media/next-2.key
has "by its rule" "$err" "a/keys/signing.key: N7: want the next key that the ledger commits to, have another"
want "with another's next key" 3 chama a keys rotate --next b/keys/next.key --new-next media/next-2.key
has "by its rule" "$err" "b/keys/next.key: N7: want the next key that the ledger commits to, have another"
echo x >media/there
want "over a file" 1 chama a keys rotate --next media/next-1.key --new-next media/there
has "which stays" "$err" "media/there: want a new file for the next key, have one already"
want "disavowing what is not there" 2 chama a keys rotate --next media/next-1.key --new-next media/next-2.key --disavow-from 99
has "by its rule" "$err" "--disavow-from: N12: want the number of a record, 1 to 2, have 99"
want "a dry run" 0 chama a keys rotate --next media/next-1.key --new-next media/next-2.key --dry-run
has "says what it would do" "$out" "would rotate with record 3: the key in media/next-1.key would sign, a new next key would go to media/next-2.key"
[ ! -e media/next-2.key ] && [ ! -e a/keys/rotating ] && ok "and writes nothing" || bad "a dry run wrote"
equal "the node is as before" "$(chama a id)" "$before"
equal "its ledger, too" "$(git -C a/ledger.git rev-parse main)" "$head"

# The rotation.
want "rotate" 0 chama a keys rotate --next media/next-1.key --new-next media/next-2.key --json
has "says the record" "$out" '"record": 3'
[ -s media/next-2.key ] && ok "the new next key is written" || bad "no new next key"
[ ! -e a/keys/next.key ] && [ ! -e a/keys/rotating ] && ok "and nowhere else" || bad "it is in the home" "$(ls a/keys)"
equal "what was in use is kept" "$(ls a/keys/retired | tr '\n' ' ')" "000000000-encryption.key 000000000-log.key 000000000-signing.key "
equal "only for this user" "$(stat -c %a a/keys/signing.key a/keys/log.key a/keys/encryption.key a/keys/retired | tr '\n' ' ')" "600 600 600 700 "
equal "the node is who it was" "$(chama a id | head -n 2)" "$(printf '%s\n' "$before" | head -n 2)"
want "status shows it" 0 chama a keys status --json
has "one rotation" "$out" '"rotations": 1'
want "publish by the new key, with the daemon running" 0 chama a publish divisions v2 --share open -m second
want "a sync of its own" 0 chama a sync
want "fsck of the home" 0 chama a fsck
has "is clean" "$out" "0 problems"
want "the peer takes it" 0 chama b sync
want "and verifies" 0 chama b verify forestry/divisions
has_not "all of it" "$out" BAD
want "fsck of the replica" 0 chama b fsck
has "is clean" "$out" "0 problems"
want "show says valid before" 0 chama b show forestry/divisions@1
has "as it was signed then" "$out" "valid"
want "and after" 0 chama b show forestry/divisions@2
has "the rotation" "$out" "valid"
equal "both have one history" "$(git -C b/ledgers/*.git rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
for home in a/ledger.git b/ledgers/*.git; do
    bad_commits=$(for commit in $(git -C "$home" rev-list main); do git -C "$home" verify-commit "$commit" 2>/dev/null || echo "$commit"; done)
    equal "git accepts every commit of $home" "$bad_commits" ""
done
git clone -q a/ledger.git clone 2>/dev/null
equal "a clone names both keys" "$(wc -l <clone/allowed_signers)" 2
equal "and shows where the second began" "$(ls clone/rotations)" "000000003.json"
(cd clone && for n in 2 3 4; do
    ssh-keygen -Y verify -f allowed_signers -I "$(cut -d' ' -f1 allowed_signers | head -n 1)" -n chama-record -s "records/0000/00/00/00000000$n.json.sig" <"records/0000/00/00/00000000$n.json" >/dev/null || echo "$n"
done) >.out
equal "ssh-keygen accepts records before and after" "$(cat .out)" ""
want "the stranger follows the sparse ledger over it" 0 chama c sync
want "with the version" 0 chama c show "$(chama c ls --json | python3 -c 'import json,sys; print([d["dataset"] for d in json.load(sys.stdin)][0])')@2"
want "fsck of sparse ledgers" 0 chama c fsck
has "is clean" "$out" "0 problems"
want "a node that meets it only now" 0 chama c peer rm "$(chama c peer ls --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["node"])')"
want "is shown inception, rotation and profile" 0 chama c peer add "https://$(address_of a)" --id "$(chama a id | head -n 1)"

# Again: from keys in the home, with a key that is no good any more, a lost one.
want "the key of the first rotation is worth nothing" 3 chama a keys rotate --next media/next-1.key --new-next media/next-3.key
cp media/next-2.key a/keys/next.key && chmod 600 a/keys/next.key
want "rotate within the home" 0 chama a keys rotate
has "and be warned" "$err" "copy it to removable media"
[ -s a/keys/next.key ] && ok "the next key is there" || bad "no next key"
cmp -s a/keys/next.key media/next-2.key && bad "it is the old one" || ok "a new one"
want "publish" 0 chama a publish divisions v1 -m third
rm a/keys/signing.key
want "without a signing key" 1 chama a publish divisions v2 -m fourth
want "rotation says what to do" 1 chama a keys rotate
has "about a lost key" "$err" "if the signing key is lost, say --lost"
want "a recovery" 0 chama a keys rotate --lost
has "begins an epoch" "$out" "epoch 1 of the log begins: witnesses begin anew"
want "publish after it" 0 chama a publish divisions v2 -m fourth
want "the peer takes all of it" 0 chama b sync
equal "as it is" "$(git -C b/ledgers/*.git rev-parse main)" "$(git -C a/ledger.git rev-parse main)"
equal "with checkpoints of the epoch" "$(head -n 1 b/log/*/checkpoint | grep -c '/1$')" 1
want "fsck here" 0 chama a fsck
has "is clean" "$out" "0 problems"
want "fsck there" 0 chama b fsck
has "is clean" "$out" "0 problems"
want "the second reader, here" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/a"
want "and there" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/b"
has "counts endorsements" "$out" "signatures of chama-rotation"
want "and of the sparse one" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/c"
stop a
# TC7: a new certificate over the same key.
pin=$(openssl x509 -in a/keys/tls.crt -noout -pubkey | sha256sum)
names=$(openssl x509 -in a/keys/tls.crt -noout -ext subjectAltName)
serial=$(openssl x509 -in a/keys/tls.crt -noout -serial)
want "renew-tls" 0 chama a keys renew-tls
has "says until when" "$out" "its key and pin are as before"
equal "the key is the same" "$(openssl x509 -in a/keys/tls.crt -noout -pubkey | sha256sum)" "$pin"
equal "and the names" "$(openssl x509 -in a/keys/tls.crt -noout -ext subjectAltName)" "$names"
[ "$(openssl x509 -in a/keys/tls.crt -noout -serial)" != "$serial" ] && ok "it is a new one" || bad "it is the old one"
want "openssl accepts it" 0 openssl verify -CAfile a/keys/tls.crt a/keys/tls.crt
start a
want "peers do" 0 chama b sync
want "fsck does" 0 chama a fsck
stop a
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.crt -subj /CN=ca -days 20 2>/dev/null
cp a/keys/tls.key tls.key && cp a/keys/tls.crt tls.crt
cp own.key a/keys/tls.key && cp own.crt a/keys/tls.crt
want "another's is not renewed" 3 chama a keys renew-tls
has "by its rule" "$err" "tls.crt: TC7: want a certificate that this node made, have another's: renew it where it came from"
want "status warns" 0 chama a keys status
has "of its end" "$out" "WARNING     the TLS certificate ends within 30 days"
cp tls.key a/keys/tls.key && cp tls.crt a/keys/tls.crt
openssl x509 -in tls.crt -signkey tls.key -days 20 -out a/keys/tls.crt 2>/dev/null
want "near its end" 0 chama a keys status
has "there is a warning" "$out" "ends within 30 days"
start a
has "the daemon renews it" "$(cat a.log)" "renewed"
want "and it has years again" 0 chama a keys status
has_not "without a warning" "$out" WARNING
want "peers notice nothing" 0 chama b sync
stop a

# A passphrase stays one.
printf 'horse' >pass
CHAMA_PASSPHRASE_FILE="$FOLDER/pass" "$CHAMA" --home "$FOLDER/d" init --name-en Tax --passphrase >/dev/null 2>&1
want "rotate without the passphrase" 4 chama d keys rotate
want "rotate with it" 0 env CHAMA_PASSPHRASE_FILE="$FOLDER/pass" "$CHAMA" --home "$FOLDER/d" keys rotate
for key in signing next; do
    has "the new $key key is under it" "$(head -n 1 d/keys/$key.key)" ENCRYPTED
done
want "publish without it" 4 chama d publish divisions v1
want "publish with it" 0 env CHAMA_PASSPHRASE_FILE="$FOLDER/pass" "$CHAMA" --home "$FOLDER/d" publish divisions v1
