#!/bin/sh
# The daemon: rounds of its own, new peers at once, signals, readiness, log, a busy port.
. "$SOURCE/tests/lib.sh"
fixture v1
make_node a Forestry
make_node b Tourism
pair a b
chama a publish divisions v1 --share open >/dev/null
start a
chama b follow '*' >/dev/null
sed -i 's/^interval = .*/interval = 1/; s/^log = text/log = json/' b/config.ini
python3 - "$FOLDER/notify" >notified <<'P' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); s.settimeout(20)
for _ in range(20):
    print(s.recv(100).decode(), flush=True)
P
notify=$!
sleep 0.3
NOTIFY_SOCKET="$FOLDER/notify" "$CHAMA" --home "$FOLDER/b" serve 2>b.log &
daemon=$!
servers="$servers $daemon"
for _ in $(seq 100); do chama b get forestry/divisions out >/dev/null 2>&1 && break; sleep 0.1; done
same_tree "the daemon syncs by itself" v1 out
want "commands work beside it" 0 chama b ls
want "a sync beside it" 0 chama b sync
python3 -c 'import json,sys; [json.loads(l) for l in open("b.log")]' && ok "the JSON log is JSON" || bad "JSON log" "$(cat b.log)"
has "it says that it is ready" "$(cat notified)" "READY=1"
printf '[node]\nlisten = nonsense\n' >b/config.ini.bad && cp b/config.ini b/config.ini.good && cp b/config.ini.bad b/config.ini
kill -HUP $daemon
sleep 0.5
has "a bad configuration is reported" "$(cat b.log)" "[node] listen"
kill -0 $daemon && ok "and the daemon goes on" || bad "the daemon died of a bad configuration"
cp b/config.ini.good b/config.ini && kill -HUP $daemon
sleep 0.7
has "a good one is taken" "$(cat notified)" "RELOADING=1"
curl -sk -o /dev/null "https://$(address_of b)/v1/node" && ok "it answers after a reload" || bad "no answer after a reload"
# What peers are told is what is configured: an address that was told once can be taken back.
told() {  # URL: configured, and taken by the daemon
    sed "s|^url = .*|url = $1|" b/config.ini.good >b/config.ini && kill -HUP $daemon
    for _ in $(seq 60); do case $(chama b id) in *"${2:-$1}"*) break ;; esac; sleep 0.05; done
    sleep 0.3
}
told "https://one.example:8470, ssh://chama@two.example" ssh://chama@two.example
has "two addresses are told" "$(chama b invite 2>/dev/null)" "chama://one.example:8470/"
has "the second one, too" "$(chama b invite 2>/dev/null)" "url=ssh%3A%2F%2Fchama%40two.example"
told "https://three.example"
has "another one" "$(chama b invite 2>/dev/null)" "chama://three.example/"
has_not "takes the place of both" "$(chama b invite 2>/dev/null)" "two.example"
told "" "none"
has "none" "$(chama b invite 2>/dev/null)" "chama://-/"
has_not "takes them all back" "$(chama b id)" "three.example"
cp b/config.ini.good b/config.ini && kill -HUP $daemon
sleep 0.5
want "a second daemon on the same port" 1 timeout 5 "$CHAMA" --home b serve
has "names the address" "$err" "$(address_of b)"
kill -TERM $daemon
wait $daemon
equal "SIGTERM ends it with 0" "$?" 0
has "it says that it stops" "$(cat notified)" "STOPPING=1"
kill $notify 2>/dev/null

# New peers are seen at once.
start b
make_node c Audit
start c
chama c follow '*' >/dev/null
chama c peer add "$(chama a invite)" >/dev/null
chama a peer add "$(chama c invite)" >/dev/null
want "a peer added while the daemon runs" 0 chama c sync
has "the log names who asked" "$(cat a.log)" "node=$(chama c id | head -n 1)"
want "gets the whole ledger" 0 chama c verify forestry/divisions
want "passphrases" 0 env CHAMA_PASSPHRASE=geheim "$CHAMA" --home p init --name-en P --passphrase
want "publish without it" 4 chama p publish x v1
want "publish with a wrong one" 4 env CHAMA_PASSPHRASE=falsch "$CHAMA" --home p publish x v1
want "publish with it" 0 env CHAMA_PASSPHRASE=geheim "$CHAMA" --home p publish x v1
