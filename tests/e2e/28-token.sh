#!/bin/sh
# The signing key in a PKCS#11 token (SoftHSM): making a node, publishing, syncing, rotating from file to token, between tokens and back; each refusal.
. "$SOURCE/tests/lib.sh"
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -n 1)
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$FOLDER" >softhsm2.conf
export SOFTHSM2_CONF="$FOLDER/softhsm2.conf"
mkdir tokens media
unset CHAMA_PIN_FILE

token() {  # LABEL PIN
    softhsm2-util --init-token --free --label "$1" --so-pin 87654321 --pin "$2" >/dev/null || bad "token $1"
}
key() {  # TOKEN PIN TYPE LABEL ID
    pkcs11-tool --module "$module" --token-label "$1" --login --pin "$2" --keypairgen --key-type "$3" --label "$4" --id "$5" >/dev/null 2>&1 || bad "key $4"
}
pin_file() {  # FILE PIN
    printf '%s\n' "$2" >"$1" && chmod 600 "$1"
}
token office 1234
token safe 5678
key office 1234 EC:edwards25519 signing 01
key office 1234 EC:edwards25519 later 02
key safe 5678 EC:edwards25519 next 11
key safe 5678 EC:edwards25519 next 12
key safe 5678 EC:edwards25519 third 13
key office 1234 rsa:2048 rsa 03
key office 1234 EC:prime256v1 p256 04
pin_file office.pin 1234
pin_file safe.pin 5678
pin_file wrong.pin 9999
signing="pkcs11:token=office;object=signing;type=private?module-path=$module&pin-source=file:$FOLDER/office.pin"
next="pkcs11:token=safe;id=%11?module-path=$module&pin-source=file:$FOLDER/safe.pin"

# URIs that are refused before any token is asked.
refused() {  # WHAT URI ERROR
    want "$1" 2 chama n init --name-en X --key "$2"
    equal "by its rule" "$err" "chama: $3"
    [ ! -e n ] && ok "and makes nothing" || bad "there is a node"
}
refused "a file as --key" signing.key "--key: KT1: want the URI of a key in a token, pkcs11:..., have signing.key"
refused "a PIN in the URI" "pkcs11:token=office;object=signing?pin-value=1234" \
    "PKCS#11 URI: KT1: want no pin-value in it, for it is kept in a file and seen by others; give pin-source=file:PATH, CHAMA_PIN_FILE, or the PIN when asked"
refused "no object" "pkcs11:token=office" "pkcs11:token=office: KT1: want token= or serial=, and object= or id=, have less"
refused "no token" "pkcs11:object=signing" "pkcs11:object=signing: KT1: want token= or serial=, and object= or id=, have less"
refused "a public key" "pkcs11:token=office;object=signing;type=public" "pkcs11:token=office;object=signing;type=public: KT1: want type=private or no type, have another"
refused "an unknown attribute" "pkcs11:token=office;object=signing;colour=red" "pkcs11:token=office;object=signing;colour=red: KT1: want attributes of RFC 7512 only, have another"
refused "a command for the PIN" "pkcs11:token=office;object=signing?pin-source=%7Cecho" \
    "pkcs11:token=office;object=signing?pin-source=%7Cecho: KT1: want pin-source=file: and a path that begins with a slash, have \"|echo\""
refused "a module by its name" "pkcs11:token=office;object=signing?module-path=soft.so" \
    "pkcs11:token=office;object=signing?module-path=soft.so: KT1: want module-path to begin with a slash, have \"soft.so\""
refused "bad percents" "pkcs11:token=%zz;object=signing" "pkcs11:token=%zz;object=signing: KT1: want a PKCS#11 URI as RFC 7512 has it: URI encoding invalid or corrupted"
refused "a URI of Chinese characters" "pkcs11:token=办公室;object=signing" "PKCS#11 URI: KT1: want visible ASCII, all else as %XX, have byte 229"
refused "a long URI" "pkcs11:token=office;object=$(head -c 1100 /dev/zero | tr '\0' a)" "PKCS#11 URI: KT1: want at most 1024 bytes, have more"

# Tokens and keys that are not what is wanted.
unfit() {  # WHAT STATUS URI ERROR
    want "$1" "$2" chama n init --name-en X --key "$3"
    has "by its rule" "$err" "$4"
    [ ! -e n ] && ok "and makes nothing" || bad "there is a node"
}
query="?module-path=$module&pin-source=file:$FOLDER/office.pin"
unfit "no such token" 1 "pkcs11:token=gone;object=signing$query" ": KT4: want the token, have none like it: is it plugged in, and its module known"
unfit "no such key" 1 "pkcs11:token=office;object=gone$query" ": KT4: want the private key in the token, have none like it"
unfit "two keys" 1 "pkcs11:token=safe;object=next?module-path=$module&pin-source=file:$FOLDER/safe.pin" ": KT4: want one private key, have 2 that match; name it by id="
unfit "an RSA key" 3 "pkcs11:token=office;object=rsa$query" ": KT5: want an Ed25519 key, have RSA"
unfit "a P-256 key" 3 "pkcs11:token=office;object=p256$query" ": KT5: want an Ed25519 key, have EC/ECDSA"
unfit "no such module" 1 "pkcs11:token=office;object=signing?module-path=/nowhere.so" "/nowhere.so: KT3: want a PKCS#11 module there: "
unfit "no PIN" 4 "pkcs11:token=office;object=signing?module-path=$module" \
    "token \"office\": KT6: want its PIN, have none: give it with pin-source=file:PATH in its URI, with CHAMA_PIN_FILE, or at a terminal"
unfit "no PIN file" 4 "pkcs11:token=office;object=signing?module-path=$module&pin-source=file:/nowhere/pin" "/nowhere/pin: KT6: want a file with the PIN: No such file or directory"
chmod 640 office.pin
unfit "a PIN file that others read" 4 "$signing" "$FOLDER/office.pin: KT6: want the file with the PIN readable by its owner only, have mode 0640; chmod 600 it"
chmod 600 office.pin
unfit "a folder as PIN file" 4 "pkcs11:token=office;object=signing?module-path=$module&pin-source=file:$FOLDER/media" "$FOLDER/media: KT6: want a file with the PIN, have something else"
pin_file two.pin "1234
5678"
unfit "two lines" 4 "pkcs11:token=office;object=signing?module-path=$module&pin-source=file:$FOLDER/two.pin" "two.pin: KT6: want one line of 1 to 255 bytes, the PIN, have something else"
want "the same key twice" 2 chama n init --name-en X --key "$signing" --next-key "$signing"
equal "by its rule" "$err" "chama: --next-key: N3: want another key than the signing key, have the same"

# A wrong PIN is tried once, and from then on none of a file, until a person has given the right one.
unfit "a wrong PIN" 4 "pkcs11:token=office;object=signing?module-path=$module&pin-source=file:$FOLDER/wrong.pin" \
    "token \"office\": KT7: want its PIN, have a wrong one; it was tried once and is not tried again"
unfit "the right one after it" 4 "$signing" "token \"office\": KT7: a wrong PIN was given to it before, so that of a file is not tried; check $FOLDER/office.pin, then run"
at_terminal() {  # PIN COMMAND...: with a terminal where it is typed
    python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while b": " not in seen:
    seen += os.read(fd, 1024)
os.write(fd, sys.argv[1].encode() + b"\n")
try:
    while True:
        got = os.read(fd, 4096)
        if not got: break
        seen += got
except OSError:
    pass
sys.stdout.write(seen.decode(errors="replace").replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}
address=127.0.0.1:$(port)
echo "$address" >a.address
want "a person gives it" 0 at_terminal 1234 "$CHAMA" --home "$FOLDER/a" init --name-en Forestry --listen "$address" --key "$signing" --next-key "$next"
has "who is asked for that of the token" "$out" 'PIN of the token "office": '
has_not "and it is not shown" "$out" 1234
equal "the next one comes from its file" "$(printf '%s\n' "$out" | grep -c 'PIN of')" 1
equal "what stands for the key" "$(sed -E 's/"key":"ed25519:[^"]*"/"key":K/' a/keys/signing.key)" "{\"key\":K,\"type\":\"token-key/1\",\"uri\":\"$signing\"}"
equal "is this user's only" "$(stat -c %a a/keys/signing.key a/keys/next.key | tr '\n' ' ')" "600 600 "
grep -rqE '1234$|5678$' a/keys && bad "a PIN is in the home" || ok "no PIN is in the home"
equal "there is no private key to sign with" "$(grep -lr 'PRIVATE KEY' a/keys | sort | tr '\n' ' ')" "a/keys/log.key a/keys/tls.key "

want "Ctrl-C at the prompt" 0 python3 -c '
import os, pty, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b": " not in seen:
    seen += os.read(fd, 1024)
silent = not termios.tcgetattr(fd)[3] & termios.ECHO
os.write(fd, b"12\3")
while b"given" not in seen:
    seen += os.read(fd, 1024)
shown = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
print(seen.decode().replace("\r", ""), silent, shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$CHAMA" --home "$FOLDER/x" init --name-en X --key "pkcs11:token=office;object=signing?module-path=$module"
has "ends it, and the terminal shows again what is typed" "$(printf '%s' "$out" | tr -d '\n')" 'no PIN was given True True 1'

# It signs as any other does.
fixture v1
fixture v2
want "publish" 0 chama a publish divisions v1 --share open -m first
make_node b Tourism
start a && start b
pair a b
chama b follow 'forestry/*' >/dev/null
want "a peer syncs" 0 chama b sync
want "verifies" 0 chama b verify forestry/divisions
want "and has the content" 0 chama b get forestry/divisions got
same_tree "as it was" v1 got
git clone -q a/ledger.git clone
git -C clone config gpg.ssh.allowedSignersFile allowed_signers
equal "git knows every commit" "$(git -C clone log --format=%G? | sort -u)" G
record=$(ls clone/records/0000/00/00/*.json | tail -n 1)
ssh-keygen -Y verify -f clone/allowed_signers -I "$(chama a id | head -n 1)" -n chama-record -s "$record.sig" <"$record" >/dev/null 2>&1 &&
    ok "ssh-keygen, too" || bad "ssh-keygen does not"
want "fsck" 0 chama a fsck
want "keys status" 0 chama a keys status
has "says where it is" "$out" "in a token  $signing: the token is there"
has "the next one, too" "$out" "next        $next: the token is there"
has_not "and warns of nothing" "$out" WARNING
want "status" 0 chama a status
has_not "does not ask to move it" "$out" "should be moved"
want "a try" 0 chama a keys status --try
has "signs" "$out" "tried       the key that the ledger names signs, in its token"
want "in JSON" 0 chama a keys status --json
has "the same" "$out" '"answers": true'
has "of the next key" "$out" '"where": "token"'

# The daemon and a command at once.
for n in 1 2 3; do
    mkdir "d$n" && echo "$n" >"d$n/file"
    "$CHAMA" --home "$FOLDER/a" publish "set$n" "d$n" >"p$n.out" 2>&1 &
    eval "p$n=\$!"
done
for n in 1 2 3; do
    eval "wait \$p$n" && ok "publish $n of three at once" || bad "publish $n" "$(cat "p$n.out")"
done
address_old=$(address_of a)
want "the daemon signs, too" 0 sed -i "s,^url =.*,url = https://localhost:${address_old#*:}," a/config.ini
kill -HUP "$(cat a.pid)"
for _ in $(seq 100); do chama a id | grep -q localhost && break; sleep 0.05; done
has "its new address" "$(chama a id)" "https://localhost:${address_old#*:}"

# What only reads needs no token; what signs says what is missing.
readers() {
    for command in "ls" "id" "status" "log divisions" "show divisions" "files divisions" "verify divisions" "fsck" "lineage divisions" "receipts" "grants" "audit" "keys status" "get divisions $2-read"; do
        # shellcheck disable=SC2086
        want "$command $1" 0 chama "$2" $command
    done
    want "prove $1" 0 chama "$2" prove divisions
    want "sync $1" 0 chama "$2" sync
}
mkdir away
mv tokens/* away/
readers "without the token" a && rm -rf a-read
has_not "keys status is no yes" "$(chama a keys status)" "the token is there"
has "it says so" "$(chama a keys status)" "in a token  $signing: KT4: want the token, have none like it: is it plugged in"
want "publish without it" 1 chama a publish divisions v2
equal "says what is missing" "$err" "chama: $FOLDER/a/keys/signing.key: $signing: KT4: want the token, have none like it: is it plugged in, and its module known (\`p11-kit list-modules\`, or module-path= in the URI)?"
want "a rotation without it" 1 chama a keys rotate
mv away/* tokens/
want "publish with it" 0 chama a publish divisions v2
stop a

# A home on another machine: no token, no module, no PIN file.
cp -a a copy
sed -i "s,$module,/nowhere/module.so,g" copy/keys/signing.key copy/keys/next.key
readers "of a copy" copy
want "publish from a copy" 1 chama copy publish divisions v1
has "says what is missing" "$err" "/nowhere/module.so: KT3: want a PKCS#11 module there: "

# References that are not what they should be.
cp a/keys/signing.key kept
broken() {  # WHAT STATUS ERROR
    want "$1" "$2" chama a publish divisions v1
    has "by its rule" "$err" "$3"
    want "fsck finds it" 3 chama a fsck
    cp kept a/keys/signing.key
}
sed -i 's,token-key/1,token-key/9,' a/keys/signing.key
broken "a reference of another type" 1 "a/keys/signing.key: KT2: want the type token-key/1, have \"token-key/9\""
sed -i 's,pin-source=,pin-value=1\&pin-source=,' a/keys/signing.key
broken "a PIN in a reference" 1 "a/keys/signing.key: KT2: PKCS#11 URI: KT1: want no pin-value in it"
cp a/keys/next.key a/keys/signing.key
broken "a reference to another key" 3 "keys/signing.key: want the key that the ledger names, have another; restore it from a backup"
sed -i 's,object=signing,object=later,' a/keys/signing.key
want "a reference that names another key" 3 chama a publish divisions v1
has "by its rule" "$err" ": KT5: want the key that the reference names, have another"
cp kept a/keys/signing.key

# Rotations: to the next key, in another token; a wrong next, and one that is in use, change nothing.
want "to a key that was not committed to" 3 chama a keys rotate --next "pkcs11:token=safe;id=%12?module-path=$module&pin-source=file:$FOLDER/safe.pin"
has "by its rule" "$err" ": N7: want the next key that the ledger commits to, have another"
want "with the signing key as the next" 2 chama a keys rotate --new-next "$signing"
equal "by its rule" "$err" "chama: --new-next: N8: want a key that has signed nothing, have one that is or was in use, or is about to be"
cp a/keys/next.key media/reference
want "by a reference on media" 2 chama a keys rotate --next media/reference
equal "by its rule" "$err" "chama: media/reference: KT2: want a key in this file, or the URI of one in a token (--next pkcs11:...), have a reference to a token"
third="pkcs11:token=office;object=later?module-path=$module&pin-source=file:$FOLDER/office.pin"
want "a dry run" 0 chama a keys rotate --new-next "$third" --dry-run
want "from token to token" 0 chama a keys rotate --new-next "$third"
has "the key in the other token signs" "$(cat a/keys/signing.key)" "$next"
has "the next is in the first" "$(cat a/keys/next.key)" "$third"
want "publish with it" 0 chama a publish divisions v1
start a
want "the peer follows" 0 chama b sync
want "and verifies" 0 chama b verify forestry/divisions
stop a
want "to a file" 0 chama a keys rotate --next "$third" --new-next "$FOLDER/media/file.key"
[ ! -e a/keys/next.key ] && ok "no reference is left of the next key" || bad "there is one" "$(cat a/keys/next.key)"
want "from token to file" 0 chama a keys rotate --next "$FOLDER/media/file.key" --new-next "pkcs11:token=safe;id=%13?module-path=$module&pin-source=file:$FOLDER/safe.pin"
has "which signs" "$(head -n 1 a/keys/signing.key)" "PRIVATE KEY"
want "publish" 0 chama a publish divisions v2
want "a lost file: recovery by a token" 0 chama a keys rotate --lost --new-next "pkcs11:token=safe;id=%12?module-path=$module&pin-source=file:$FOLDER/safe.pin"
want "says where both are" 0 chama a keys status
has "and warns" "$out" "WARNING     the next key is in the same token as the signing key"
want "publish" 0 chama a publish divisions v1
start a
want "the peer follows" 0 chama b sync
want "and verifies all" 0 chama b verify forestry/divisions
want "audit" 0 chama b audit
stop a
want "fsck" 0 chama a fsck

# A file key's node takes a token's as next; what a passphrase guarded it guards still.
pin_file pass geheim
CHAMA_PASSPHRASE_FILE=$FOLDER/pass "$CHAMA" --home "$FOLDER/c" init --name-en Health --passphrase --key "$signing" --next-key "$next" >/dev/null 2>&1
want "a rotation without the passphrase" 4 chama c keys rotate
has "says what is missing" "$err" "chama: want a passphrase, have no terminal to ask at; set CHAMA_PASSPHRASE_FILE"
pin_file pass2 falsch
want "with a wrong one" 4 env CHAMA_PASSPHRASE_FILE="$FOLDER/pass2" "$CHAMA" --home "$FOLDER/c" keys rotate
has "says so" "$err" "SE5"
want "with it" 0 env CHAMA_PASSPHRASE_FILE="$FOLDER/pass" "$CHAMA" --home "$FOLDER/c" keys rotate
has "the encryption key stays guarded" "$(cat c/keys/encryption.key)" x25519-secret-encrypted
has "so is the new next key" "$(cat c/keys/next.key)" "ENCRYPTED PRIVATE KEY"

# CHAMA_PIN_FILE goes before the URI's; modules that the system knows need no path.
mkdir -p .config/pkcs11/modules && echo "module: $module" >.config/pkcs11/modules/test.module
want "without module-path" 0 env CHAMA_PIN_FILE="$FOLDER/office.pin" "$CHAMA" --home "$FOLDER/d" init --name-en Tax --key "pkcs11:token=office;object=signing?pin-source=file:/nowhere"
want "publish" 0 env CHAMA_PIN_FILE="$FOLDER/office.pin" "$CHAMA" --home "$FOLDER/d" publish divisions v1

# Keys that chama makes.
made="pkcs11:token=office;object=made?module-path=$module&pin-source=file:$FOLDER/office.pin"
want "make without a URI" 2 chama e keys make
equal "says what is missing" "$err" "chama: keys make: want the URI of a new key in a token, have none"
want "make a file" 2 chama e keys make new.key
equal "by its rule" "$err" "chama: keys make: KT1: want the URI of a new key in a token, pkcs11:..., have new.key"
want "make one without a name" 2 chama e keys make "pkcs11:token=office;id=%99?module-path=$module&pin-source=file:$FOLDER/office.pin"
has "by its rule" "$err" ": KT9: want object=, the new key's name, in the URI, have none"
want "make one that is there" 1 chama e keys make "$signing"
equal "by its rule" "$err" "chama: $signing: KT9: want a name for a new key, have that of one in the token; it stays as it is"
want "make one with the id of another" 1 chama e keys make "pkcs11:token=office;object=made;id=%01?module-path=$module&pin-source=file:$FOLDER/office.pin"
has "by its rule" "$err" ": KT9: want a name for a new key"
want "make one in no token" 1 chama e keys make "pkcs11:token=gone;object=made?module-path=$module"
has "by its rule" "$err" ": KT4: want the token, have none like it"
want "make one without a PIN" 4 chama e keys make "pkcs11:token=office;object=made?module-path=$module"
has "by its rule" "$err" ": KT6: want its PIN, have none"
want "make one with a wrong PIN" 4 env CHAMA_PIN_FILE="$FOLDER/wrong.pin" "$CHAMA" keys make "$made"
has "by its rule" "$err" ": KT7: want its PIN, have a wrong one; it was tried once and is not tried again"
want "then with the right one of a file" 4 chama e keys make "$made"
has "by its rule" "$err" ": KT7: a wrong PIN was given to it before"
want "make one" 0 at_terminal 1234 "$CHAMA" keys make "$made"
has "says the key" "$out" "made ed25519:"
equal "there is one now" "$(pkcs11-tool --module "$module" --token-label office --login --pin 1234 -O --type privkey 2>/dev/null | grep -c 'label: *made$')" 1
equal "which cannot be taken out" "$(pkcs11-tool --module "$module" --token-label office --login --pin 1234 -O --type privkey 2>/dev/null | grep -A 3 'label: *made$' | sed -n 's/ *Access: *//p')" \
    "sensitive, always sensitive, never extractable, local"
want "a node with it" 0 chama e init --name-en Water --key "$made"
want "publishes" 0 chama e publish divisions v1
want "a verb takes one word" 2 chama e keys status now
equal "and says so" "$err" "chama: keys status: want nothing after it, have now; see \`chama keys --help\`"

# Only what needs a token loads modules.
strace -f -qq -e trace=openat -o trace "$CHAMA" --home "$FOLDER/d" ls >/dev/null
grep -q 'softhsm\|pkcs11/modules' trace && bad "ls loads modules" "$(grep 'softhsm\|pkcs11' trace)" || ok "ls loads no module"
strace -f -qq -e trace=openat -o trace "$CHAMA" --version >/dev/null
grep -q 'softhsm\|pkcs11/modules' trace && bad "--version loads modules" || ok "--version loads none"
