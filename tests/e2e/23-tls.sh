#!/bin/sh
# TC8-TC12: another TLS key, announced before it is used; the daemon does all of it; a peer that was away; a stolen key; clocks that jump; kills.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
make_node c Health
start a && start b && start c
pair a b
pair b c
pair a c
chama b follow 'forestry/*' >/dev/null
chama c follow 'forestry/*' >/dev/null
chama a publish divisions v1 --share open -m first >/dev/null
chama a sync >/dev/null && chama b sync >/dev/null && chama c sync >/dev/null
id=$(chama a id | head -n 1)
pin_of() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
shown() { openssl s_client -connect "$(address_of a)" </dev/null 2>/dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
pins() { chama "$1" peer ls --json | python3 -c 'import json, sys; print(" ".join(sorted(p[7:] for e in json.load(sys.stdin) if e["node"] == sys.argv[1] for p in e["tls"])))' "$id"; }
status_of() { chama a keys status --json | python3 -c 'import json, sys; print(eval(sys.argv[1], {"tls": json.load(sys.stdin)["tls"]}))' "$1"; }
# served SECONDS: as if the daemon had served so long.
served() { python3 -c 'import json, sys; f = "a/keys/tls-renewal"; o = json.load(open(f)); o["served"] = int(sys.argv[1]); open(f, "w").write(json.dumps(o, sort_keys=True, separators=(",", ":")))' "$1"; }
wait_for() { for _ in $(seq 450); do grep -q "$1" "$FOLDER/a.log" && return 0; sleep 0.1; done; bad "the daemon's log has no $1" "$(cat "$FOLDER/a.log")"; return 1; }
first=$(pin_of a/keys/tls.crt)
equal "peers know the one key" "$(pins b)" "$first"
equal "it is shown" "$(shown)" "$first"

# Another address: its name is in the certificate, the key and its pin are the same; another's certificate is left alone.
names() { openssl x509 -in a/keys/tls.crt -noout -ext subjectAltName | tail -n 1; }
sed -i 's,^url = .*,&\, https://harbour.example:8470,' a/config.ini
kill -HUP "$(cat a.pid)"
wait_for 'tls certificate="*has the names'
has "the name of a new address is in the certificate" "$(names)" "DNS:harbour.example"
equal "over the same key" "$(pin_of a/keys/tls.crt)" "$first"
equal "which is shown" "$(openssl s_client -connect "$(address_of a)" </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName | tail -n 1)" "$(names)"
stop a
cp a/keys/tls.crt own.crt
openssl req -x509 -key a/keys/tls.key -subj /CN=authority -days 3000 -out a/keys/tls.crt 2>/dev/null
cp a/keys/tls.crt other.crt
sed -i 's,^\(url = [^\,]*\)\,.*,\1,' a/config.ini
start a
has_not "that of an authority" "$(cat a.log)" "has the names"
equal "is left alone" "$(cat a/keys/tls.crt)" "$(cat other.crt)"
cp own.crt a/keys/tls.crt
kill -HUP "$(cat a.pid)"

# Refusals, before there is anything.
want "nothing is announced" 1 chama a keys renew-tls --now
has "so nothing can be hurried" "$err" "renew-tls: TC9: want a new TLS key that is announced, have none: begin with --new-key; --stolen changes it at once"
want "one thing at a time" 2 chama a keys renew-tls --now --new-key
has "is said" "$err" "renew-tls: want one of --new-key, --now and --stolen, have more"
equal "nothing was made" "$(ls a/keys | grep -c tls-next)" 0

# A person begins.
records=$(git -C a/ledger.git rev-list --count main)
want "a new key" 0 chama a keys renew-tls --new-key
has "is announced" "$out" "its pin announced beside the one in use"
second=$(pin_of a/keys/tls-next.crt)
equal "by one profile" "$(git -C a/ledger.git rev-list --count main)" $((records + 1))
equal "for this user alone" "$(stat -c %a a/keys/tls-next.key)" 600
want "not twice" 1 chama a keys renew-tls --new-key
has "by its rule" "$err" "TC8: a new TLS key is announced already"
equal "the old one is in use" "$(shown)" "$first"
equal "status names it" "$(status_of 'tls["pin"]')" "sha256:$first"
equal "and the next" "$(status_of 'tls["next"]["pin"], tls["next"]["announced"], tls["next"]["seen"], tls["next"]["peers"]')" "('sha256:$second', True, 0, 2)"
want "for people" 0 chama a keys status
has "with since when" "$out" "announced since 20"
has "and when it is used" "$out" "after 30 more days of service"
has "an invite names both" "$(chama a invite 2>/dev/null)" "$second"
want "fsck finds nothing" 0 chama a fsck
want "b syncs" 0 chama b sync
equal "and knows both" "$(pins b)" "$(printf '%s\n%s\n' "$first" "$second" | sort | xargs)"
want "status counts who has seen it" 0 chama a keys status
has "one" "$out" "seen by 1 of 2 peers"
served $((8 * 24 * 3600))
kill -HUP "$(cat a.pid)" && sleep 1
equal "eight days are not enough while c is away" "$(shown)" "$first"
want "c syncs" 0 chama c sync
want "then all have seen it" 0 chama a keys status
has "all" "$out" "seen by 2 of 2 peers"

# The daemon's own timer, in the middle of a connection.
python3 - "$(address_of a)" >connection.log 2>&1 <<'PY' &
import socket, ssl, sys, time
host, port = sys.argv[1].split(":")
context = ssl._create_unverified_context()
connection = context.wrap_socket(socket.create_connection((host, int(port))))
for n in range(36):
    connection.sendall(b"GET /v1/node HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = connection.recv(65536)
    while not answer.endswith(b"0\r\n\r\n"):
        more = connection.recv(65536)
        if not more:
            sys.exit("closed after %d" % n)
        answer += more
    if not answer.startswith(b"HTTP/1.1 200"):
        sys.exit(answer[:100])
    time.sleep(1)
print("all answered")
PY
reader=$!
wait_for 'taken into use' && ok "the daemon takes it into use by itself"
wait_for 'shows the new certificate' && ok "without being restarted"
equal "it is shown" "$(shown)" "$second"
wait $reader
equal "a connection from before goes on" "$(cat connection.log)" "all answered"
equal "the files are in place" "$(pin_of a/keys/tls.crt) $(ls a/keys | grep -c tls-next)" "$second 0"
equal "openssl finds them fit" "$(openssl pkey -in a/keys/tls.key -pubout)" "$(openssl x509 -in a/keys/tls.crt -noout -pubkey)"
want "b goes on" 0 chama b sync
want "and a at b" 0 chama a sync
want "a publishes" 0 chama a publish divisions v2 -m second
want "b takes it" 0 chama b sync
want "b verifies" 0 chama b verify forestry/divisions
has "status says that the old pin is still named" "$(chama a keys status)" "tls before"
served $((24 * 3600))
kill -HUP "$(cat a.pid)"
wait_for 'the one before is withdrawn' && ok "a day later the old pin is withdrawn"
want "b hears of it" 0 chama b sync
equal "and knows the new one alone" "$(pins b)" "$second"
has_not "nothing is left to say" "$(chama a keys status)" "tls before"

# c was away all the time: from the invite to two keys later.
want "another key" 0 chama a keys renew-tls --new-key
want "at once" 0 chama a keys renew-tls --now
third=$(pin_of a/keys/tls.crt)
for _ in $(seq 400); do [ "$(shown)" = "$third" ] && break; sleep 0.1; done
equal "a running daemon takes what a command renewed" "$(shown)" "$third"
served $((24 * 3600))
kill -HUP "$(cat a.pid)" && sleep 2
has_not "the other is withdrawn" "$(chama a keys status)" "tls before"
want "c alone with a" 3 chama c sync forestry
has "is told what to do" "$err" "shows a TLS key that is none of those pinned for this peer: if its people changed it, a sync with another peer that has its ledger brings the new one, or else the line that they get from \`chama invite\`, given to \`chama peer add\` here"
# b has not heard of the third key either: nobody could tell.
want "of nobody who knows" 3 chama c sync
want "the line of an invite" 0 chama b peer add "$(chama a invite 2>/dev/null)"
want "is enough for b" 0 chama b sync forestry
want "and c has it from b, in one command" 0 chama c sync
equal "the keys of the newest profile" "$(pins c)" "$third"
want "then from a itself" 0 chama c sync forestry

# A stolen TLS key.
cp a/keys/tls.key stolen.key && cp a/keys/tls.crt stolen.crt
stop a && start a
curl -s -k --cert stolen.crt --key stolen.key -o answer "https://$(address_of b)/v1/ledgers/$(chama b id | head -n 1)/records?from=0"
has "the thief reads b's ledger as a" "$(head -c 5 answer)" batch
cp -a a thief
want "another one at once" 0 chama a keys renew-tls --stolen
fourth=$(pin_of a/keys/tls.crt)
has "with a note of what to do" "$err" "send it the line of \`chama invite\`"
equal "the profile names it alone" "$(git -C a/ledger.git show main:profile.json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["pins"])' 2>/dev/null || echo none)" "['sha256:$fourth']"
kill -HUP "$(cat a.pid)" && sleep 1
want "b is told" 0 chama b peer add "$(chama a invite 2>/dev/null)"
want "and syncs" 0 chama b sync forestry
equal "the stolen key is worth nothing there" "$(pins b)" "$fourth"
curl -s -k --cert stolen.crt --key stolen.key -o answer "https://$(address_of b)/v1/ledgers/$(chama b id | head -n 1)/records?from=0"
has_not "the thief is a stranger" "$(head -c 5 answer)" batch
want "c has it from b" 0 chama c sync
equal "there, too" "$(pins c)" "$fourth"

# A thief who stands between, with the stolen key and the profile of then.
stop a
mv a honest && mv thief a
start a
want "b does not dial the stolen key" 3 chama b sync forestry
want "nor is it talked into it by an older profile" 3 chama b peer add "https://$(address_of a)" --id "$id"
has "by its rule" "$err" "node: PE6: want the profile that is known here (record "
equal "b's pin stays" "$(pins b)" "$fourth"
stop a
mv a thief && mv honest a

# Kills between the two renames, and before a new pair is whole.
want "one more" 0 chama a keys renew-tls --new-key
fifth=$(pin_of a/keys/tls-next.crt)
mv a/keys/tls-next.key a/keys/tls.key
want "the next command finishes what was killed" 0 chama a keys status --json
equal "both are in place" "$(pin_of a/keys/tls.crt)" "$fifth"
equal "and nothing waits" "$(ls a/keys | grep -c tls-next)" 0
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out a/keys/tls-next.key 2>/dev/null && chmod 600 a/keys/tls-next.key
want "a key without a certificate" 0 chama a fsck
equal "was never finished" "$(ls a/keys | grep -c tls-next)" 0

# An owner's own pair in their place: the profile follows it.
cp a/keys/tls.key tls.key && cp a/keys/tls.crt tls.crt
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.crt -subj /CN=ca -days 400 2>/dev/null
cp own.key a/keys/tls.key && cp own.crt a/keys/tls.crt
has "status says that peers refuse it" "$(chama a keys status)" "no profile names it: peers refuse this node"
start a
wait_for announced && ok "the daemon announces it"
want "fsck finds it named" 0 chama a fsck
want "another's is not followed by one of ours" 3 chama a keys renew-tls --new-key
has "by its rule" "$err" "TC7: want a certificate that this node made, have another's"
stop a
cp tls.key a/keys/tls.key && cp tls.crt a/keys/tls.crt

# Near its end, and with a clock that was wrong when it was made.
openssl x509 -in tls.crt -signkey tls.key -days 60 -out a/keys/tls.crt 2>/dev/null
start a
wait_for announced && ok "ninety days before the end the daemon makes and announces a new key"
equal "the old one is in use" "$(shown)" "$fifth"
want "status shows it" 0 chama a keys status
has "with when it is used" "$out" "takes over about"
served $((29 * 24 * 3600))
kill -HUP "$(cat a.pid)" && sleep 1
equal "29 days are not enough" "$(shown)" "$fifth"
served $((30 * 24 * 3600))
kill -HUP "$(cat a.pid)"
wait_for 'taken into use' && ok "30 are, whoever has seen it"
has_not "it has years" "$(chama a keys status)" WARNING
stop a
want "fsck" 0 chama a fsck
has "is clean" "$out" "0 problems"
want "the second reader" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/a"
