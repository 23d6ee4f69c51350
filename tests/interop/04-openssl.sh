#!/bin/sh
# Keys and certificates are what openssl(1) expects, and the pin is what it computes.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
keys=$FOLDER/a/keys

for key in signing log; do
    want "openssl reads $key.key" 0 openssl pkey -in "$keys/$key.key" -noout -text
    has "an Ed25519 key" "$out" "ED25519 Private-Key"
    equal "of mode 0600" "$(stat -c %a "$keys/$key.key")" 600
done
# raw KEY: its public half, 32 bytes.
raw() { openssl pkey -in "$keys/$1.key" -pubout -outform DER | tail -c 32; }
has "id shows the key that openssl sees" "$(chama a id)" "ssh-ed25519 $( (printf '\000\000\000\013ssh-ed25519\000\000\000 ' && raw signing) | base64 -w 0)"
git -C a/ledger.git show main:records/0000/00/00/000000000.json >inception
has "the inception names it" "$(cat inception)" "\"signing\":\"ed25519:$(raw signing | base64)\""
has "and the log key" "$(cat inception)" "\"log\":\"ed25519:$(raw log | base64)\""
has "and the hash of the next" "$(cat inception)" "\"next\":\"sha256:$(printf 'ed25519:%s' "$(raw next | base64)" | sha256sum | cut -d' ' -f1)\""

want "the TLS key" 0 openssl pkey -in "$keys/tls.key" -noout -text
has "is P-256" "$out" "NIST CURVE: P-256"
want "the TLS certificate" 0 openssl x509 -in "$keys/tls.crt" -noout -text
has "is P-256, too" "$out" "ASN1 OID: prime256v1"
has "names the node" "$out" "CN = $(chama a id | head -n 1)"
has "names localhost" "$out" "DNS:localhost"
has "names this machine" "$out" "IP Address:127.0.0.1"
has "is no authority" "$out" "CA:FALSE"
want "is signed by itself" 0 openssl verify -CAfile "$keys/tls.crt" "$keys/tls.crt"
openssl x509 -in "$keys/tls.crt" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1 >pin
has "the pin is what openssl computes" "$(chama a id)" "sha256:$(cat pin)"
has "the profile has it" "$(git -C a/ledger.git show main:profile.json)" "sha256:$(cat pin)"

start a
address=$(address_of a)
want "openssl connects" 0 sh -c "openssl s_client -connect $address -tls1_3 -CAfile '$keys/tls.crt' -verify_return_error </dev/null"
has "with TLS 1.3" "$out" "TLSv1.3"
has "and verifies" "$out" "Verify return code: 0 (ok)"
want "an older TLS is refused" 1 sh -c "openssl s_client -connect $address -tls1_2 </dev/null"
openssl x509 -in "$keys/tls.crt" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64 >pin64
want "curl accepts the pin" 0 curl -sk --pinnedpubkey "sha256//$(cat pin64)" -o /dev/null "https://$address/"
want "and refuses another" 90 curl -sk --pinnedpubkey "sha256//$(printf %032d 0 | base64)" -o /dev/null "https://$address/"
stop a

# With a passphrase.
printf 'correct horse\n' >passphrase
export CHAMA_PASSPHRASE_FILE="$FOLDER/passphrase"
make_node p Protected --passphrase
want "a protected key" 0 head -n 1 p/keys/signing.key
equal "is PKCS#8, encrypted" "$out" "-----BEGIN ENCRYPTED PRIVATE KEY-----"
want "openssl opens it with the passphrase" 0 openssl pkey -in p/keys/signing.key -passin file:passphrase -noout -text
has "an Ed25519 key" "$out" "ED25519 Private-Key"
want "and not with another" 1 openssl pkey -in p/keys/signing.key -passin pass:wrong -noout
openssl asn1parse -in p/keys/signing.key >asn1 2>/dev/null
has "by PBES2" "$(cat asn1)" PBES2
has "with AES-256" "$(cat asn1)" aes-256-cbc
want "the TLS key is not protected: a service starts alone" 0 openssl pkey -in p/keys/tls.key -noout
