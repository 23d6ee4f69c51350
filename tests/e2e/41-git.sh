#!/bin/sh
# GT1-GT7: stock git clones and fetches a ledger over HTTPS, that one and no other; who may not have it sees what does not exist; git costs bounded children.
. "$SOURCE/tests/lib.sh"
unset GIT_SSL_CAINFO SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 LC_ALL=C.UTF-8

# pin_of HOME: of its TLS key, as git and curl take it; from the line `tls` of `chama id`.
pin_of() { echo "sha256//$(chama "$1" id | sed -n 's/^tls *sha256://p' | tr -d '\n' | tr a-f A-F | basenc --base16 -d | base64)"; }
# as HOME GIT-ARGUMENTS...: stock git, which pins the node's key and shows HOME's own ("-": none).
as() {
    who=$1
    shift
    if [ "$who" = - ]; then set -- -c http.sslVerify=false -c "http.pinnedPubkey=$pin" "$@"
    else set -- -c http.sslVerify=false -c "http.pinnedPubkey=$pin" -c "http.sslCert=$FOLDER/$who/keys/tls.crt" -c "http.sslKey=$FOLDER/$who/keys/tls.key" "$@"; fi
    git "$@"
}
# refused METHOD PATH: asked by a stranger; status and body in $answer.
refused() { answer=$(curl -sk -X "$1" --path-as-is -w '\n%{http_code} %{content_type}' ${3:+--data-binary "$3"} "https://$(address_of a)$2"); }

make_node a Forestry --ledger relayed
make_node b Tourism
make_node c Stranger
make_node p Public --ledger public
pair a b
pair a p
mkdir data && echo one >data/one
chama a publish cover data --share open -m "first survey" >/dev/null 2>&1
for home in a p; do start $home; done
chama a sync >/dev/null 2>&1
id=$(chama a id | head -n 1) other=$(chama p id | head -n 1) pin=$(pin_of a)
url=https://$(address_of a)/ledgers/$id.git

want "an accepted peer clones the ledger" 0 as b clone -q "$url" clone
equal "as it is" "$(git -C clone rev-parse HEAD)" "$(git -C a/ledger.git rev-parse main)"
equal "that and no other ref" "$(git -C clone ls-remote -q 2>/dev/null; as b ls-remote -q "$url" | cut -f2 | tr '\n' ' ')" "HEAD refs/heads/main "
want "git checks it" 0 git -C clone fsck --full --strict
want "the README's way to see signatures" 0 git -C clone -c gpg.ssh.allowedSignersFile=allowed_signers log --show-signature
equal "each is good" "$(printf '%s\n' "$out" | grep -c "^Good \"git\" signature for $id")" "$(git -C clone rev-list --count HEAD)"
want "chama audits the clone" 0 chama c audit --clone clone
want "trust on first use, and by the certificate" 0 git -c "http.sslCAInfo=$FOLDER/a/keys/tls.crt" -c "http.sslCert=$FOLDER/b/keys/tls.crt" -c "http.sslKey=$FOLDER/b/keys/tls.key" clone -q "$url" by-certificate

for n in 1 2 3; do
    echo $n >data/one
    chama a publish cover data >/dev/null 2>&1
done
want "fetch" 0 as b -C clone fetch -q
equal "brings what is new" "$(git -C clone rev-list --count HEAD..origin/main)" 3
equal "and it is the ledger" "$(git -C clone rev-parse origin/main)" "$(git -C a/ledger.git rev-parse main)"
# 1 000 commits that the node does not know: the negotiation is long enough to be packed (GT4).
git init -q long
python3 -c '
for n in range(1000):
    print("commit refs/heads/mine\nmark :%d\ncommitter a <a@b> %d +0000\ndata 1\nx" % (n + 1, 1700000000 + n))' | git -C long fast-import --quiet
want "a long negotiation" 0 as b -C long fetch -q "$url" main
equal "comes to an end" "$(git -C long rev-parse FETCH_HEAD)" "$(git -C a/ledger.git rev-parse main)"
for version in 0 1 2; do
    want "git's protocol version $version" 0 as b -c protocol.version=$version clone -q "$url" v$version
    equal "gives the same" "$(git -C v$version rev-parse HEAD)" "$(git -C a/ledger.git rev-parse main)"
done
want "a shallow clone" 0 as b clone -q --depth 1 "$url" shallow
equal "is one commit" "$(git -C shallow rev-list --count HEAD)" 1

want "anyone clones a public ledger" 0 git -c http.sslVerify=false -c "http.pinnedPubkey=$(pin_of p)" clone -q "https://$(address_of p)/ledgers/$other.git" public
want "and a copy of it at a peer" 0 as - clone -q "https://$(address_of a)/ledgers/$other.git" copy
equal "which is the same" "$(git -C copy rev-parse HEAD)" "$(git -C public rev-parse HEAD)"
want "the copy of a relayed ledger" 0 chama p sync
pin=$(pin_of p)
want "not by whom that node did not accept" 128 as b clone -q "https://$(address_of p)/ledgers/$id.git" relayed
has "for it there is none" "$err" "not found"
pin=$(pin_of a)

# Who may not have it.
want "nobody in particular" 128 as - clone -q "$url" no
has "finds nothing" "$err" "not found"
want "a stranger" 128 as c clone -q "$url" no
has "neither" "$err" "not found"
want "another key at that address" 128 git -c http.sslVerify=false -c http.pinnedPubkey="$(pin_of b)" ls-remote "$url"
has "is refused by git itself" "$err" "public key does not match"
want "pushing" 128 as b -C clone push -q "$url" HEAD:refs/heads/mine
has "finds nothing either" "$err" "not found"
nobody=$(printf 'a%.0s' $(seq 52))
refused GET "/ledgers/$nobody.git/info/refs?service=git-upload-pack"
none=$answer
equal "what is not there is 404" "$(printf '%s' "$none" | tail -n 1)" "404 application/problem+json"
for path in "/ledgers/$id.git/info/refs?service=git-upload-pack" "/ledgers/$id.git/info/refs?service=git-receive-pack" "/ledgers/$other.git/info/refs?service=git-receive-pack" \
    "/ledgers/$other.git/info/refs" "/ledgers/$other.git/info/refs?service=git-upload-pack&x=1" "/ledgers/$other.git/HEAD" "/ledgers/$other.git/objects/info/packs" "/ledgers/$other.git/config" \
    "/ledgers/$other/info/refs?service=git-upload-pack" "/ledgers/../keys/info/refs?service=git-upload-pack" "/ledgers/%2e%2e/info/refs?service=git-upload-pack" \
    "/ledgers/..%2fledger.git/info/refs?service=git-upload-pack" "/ledgers/$other.git%2f../info/refs?service=git-upload-pack" "/ledgers/$other.git/../$id.git/info/refs?service=git-upload-pack" \
    "/ledgers/./$other.git/info/refs?service=git-upload-pack" "//ledgers/$other.git/info/refs?service=git-upload-pack" "/ledgers/ledger.git/info/refs?service=git-upload-pack"; do
    refused GET "$path"
    equal "so is $path" "$answer" "$none"
done
for path in "/ledgers/$id.git/git-upload-pack" "/ledgers/$nobody.git/git-upload-pack" "/ledgers/$other.git/git-receive-pack" "/ledgers/..%2f$other.git/git-upload-pack" "/keys/git-upload-pack"; do
    refused POST "$path" 0000
    equal "so is POST $path" "$answer" "$none"
done
refused POST "/ledgers/$other.git/info/refs?service=git-upload-pack" 0000
has "another method" "$answer" "405 "
printf 'not gzip' >body
answer=$(curl -sk -w '\n%{http_code}' -H 'Content-Encoding: gzip' --data-binary @body "https://$(address_of a)/ledgers/$other.git/git-upload-pack")
has "what is not packed as it says" "$answer" "GT4: want one whole gzip member"
head -c 20000000 /dev/zero | gzip -9 >body
answer=$(curl -sk -w '\n%{http_code}' -H 'Content-Encoding: gzip' --data-binary @body "https://$(address_of a)/ledgers/$other.git/git-upload-pack")
has "a bomb" "$answer" "GT4: want at most 1048576 bytes unpacked"
answer=$(printf 'rubbish that is no pkt-line' | curl -sk -o /dev/null -w '%{http_code} %{exitcode}' --data-binary @- "https://$(address_of a)/ledgers/$other.git/git-upload-pack")
has "rubbish: the answer breaks off" "$answer" "200 18"
sleep 0.1
has "and the log says why" "$(cat a.log)" "fatal: protocol error"
hidden=$(git -C a/ledger.git hash-object -w -t blob --stdin </dev/null 2>/dev/null)
want "no object is given for its bare id" 128 as b -c protocol.version=0 -C clone fetch -q "$url" "$hidden"
stop a

# A git that is silent, floods or fails, in the place of the real one.
mkdir fake
cp "$(command -v sleep)" fake/sleep
cat >fake/git <<'G'
#!/bin/sh
case $(cat "$(dirname "$0")/mode") in
silent) "$(dirname "$0")/sleep" 1000 & wait ;;
flood) exec yes ;;
fail) echo "broken on purpose, $(env | grep -c SECRET) secrets" >&2; exit 3 ;;
write) echo >"$(dirname "$0")/written" ;;
esac
G
chmod +x fake/git
real=$PATH
PATH=$FOLDER/fake:$PATH
export CHAMA_SECRET=1
start a
PATH=$real
public="https://$(address_of a)/ledgers/$other.git/info/refs?service=git-upload-pack"
# What the fake git started and is still there; gone WHAT: none within five seconds.
printf '%s\n' "$FOLDER/fake" >fake/name
running() { grep -lasFf fake/name /proc/[0-9]*/cmdline; }
gone() {
    for _ in $(seq 50); do [ -z "$(running)" ] && break; sleep 0.1; done
    equal "$1" "$(running)" ""
}
echo fail >fake/mode
answer=$(curl -sk -o /dev/null -w '%{http_code} %{exitcode}' "$public")
has "a git that fails: the answer breaks off" "$answer" "200 18"
sleep 0.1
has "the log has its words, and the daemon's environment did not reach it" "$(cat a.log)" "broken on purpose, 0 secrets"
echo write >fake/mode
curl -sk -o /dev/null "$public"
[ ! -s fake/written ] && ok "it writes no file" || bad "written" "$(cat fake/written)"
echo silent >fake/mode
clients=
for _ in 1 2 3 4; do
    curl -sk "$public" >/dev/null &
    clients="$clients $!"
done
for _ in $(seq 50); do [ "$(running | wc -l)" -ge 8 ] && break; sleep 0.1; done
answer=$(curl -sk -w '\n%{http_code}' "$public")
has "four are served to one address, the fifth is told so" "$answer" "GT7"
has "and may come later" "$answer" 503
want "others are answered meanwhile" 0 chama b sync forestry
# shellcheck disable=SC2086
kill $clients
gone "callers who leave end what was begun for them, and what that began"
has "there is room again" "$(curl -sk -m 1 -o /dev/null -w '%{http_code} %{exitcode}' "$public")" "200 28"
gone "and again none is left"
echo flood >fake/mode
curl -sk --limit-rate 1K -m 2 -o /dev/null "$public"
curl -sk -m 1 -o /dev/null "$public"
memory=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(cat a.pid)/status")
[ "$memory" -lt 80000 ] && ok "a flood needs no memory, taken slowly or fast" || bad "memory: $memory kB"
gone "the flood ends with its reader"
echo silent >fake/mode
curl -sk "$public" >/dev/null &
for _ in $(seq 50); do [ -n "$(running)" ] && break; sleep 0.1; done
want "the daemon ends while git runs" 0 kill "$(cat a.pid)"
wait "$(cat a.pid)"
equal "without an error" "$?" 0
gone "and so does git"
rm -f a.log

# GT3
mkdir bare
env PATH="$FOLDER/bare" "$CHAMA" --home "$FOLDER/a" serve 2>>"$FOLDER/a.log" &
servers="$servers $!"
for _ in $(seq 100); do grep -q listening a.log 2>/dev/null && break; sleep 0.05; done
for path in "/ledgers/$other.git/info/refs?service=git-upload-pack" "/ledgers/$id.git/info/refs?service=git-upload-pack" "/ledgers/$nobody.git/info/refs?service=git-upload-pack"; do
    refused GET "$path"
    has "without git at the node, whatever is asked for" "$answer" "GT3: want git installed"
    has "501" "$answer" "501 "
done
