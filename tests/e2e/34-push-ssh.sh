#!/bin/sh
# `chama push` over SSH: no daemon at the receiver, whose sshd says which node has a key.
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/sshd.sh"

# key NAME COMMAND: a person's folder NAME with a key that the server takes for that command alone.
key() {
    mkdir -p "$1/.ssh" && ssh-keygen -q -t ed25519 -N '' -C '' -f "$1/.ssh/id_ed25519"
    echo "command=\"$2\",restrict $(cat "$1/.ssh/id_ed25519.pub")" >>authorized
    echo "[127.0.0.1]:${host#*:} $(cat host.pub)" >"$1/.ssh/known_hosts"
}
as() {
    person=$1
    shift
    HOME=$FOLDER/$person chama "$@"
}

mkdir data closed && head -c 5000000 /dev/urandom >data/noise && echo few >closed/few
make_node a Forestry
make_node b Tourism --url "ssh://$user@$host$FOLDER/b"
id_a=$(chama a id | head -n 1)
ssh-keygen -q -t ed25519 -N '' -C '' -f host
key bound "$CHAMA --home $FOLDER/b serve --stdio --as $id_a"
key nobody "$CHAMA --home $FOLDER/b serve --stdio"
start_sshd

chama a publish noise data --share open >/dev/null
chama a publish closed closed --share conditional >/dev/null 2>&1
as bound a peer add "$(chama b invite 2>/dev/null)" >/dev/null || bad "a adds b"
chama b follow '*' >/dev/null 2>&1
want "not accepted there" 4 as bound a push --batch tourism
has "but introduced now" "$err" PS8
want "who is bound by its key introduced itself, and is accepted" 0 chama b peer accept "$id_a"
chama a grant closed tourism >/dev/null
want "without --as the pusher is nobody" 4 as nobody a push --batch tourism
want "push" 0 as bound a push --batch tourism
has "took two versions" "$out" " 2 versions"
want "one is there" 0 chama b get forestry/noise got
same_tree "whole" data got
want "and the one that was granted" 0 chama b get forestry/closed got-closed
want "once more" 0 as bound a push --batch tourism
has "nothing is new" "$out" "had all that it wants already"
want "the pusher fetches the receipt" 0 as bound a sync --batch tourism
want "a pair" 0 chama a receipts
has "of delivery and receipt" "$out" "matched"

# Over a link that goes dead without a word: sshd sees no end of it, and the process there ends for the next push's.
mkdir link && touch link/calm && echo "$host" >link/target
python3 "$SOURCE/tests/faults/cuts.py" link 1 1000 up 2>link/err &
servers="$servers $!"
while [ ! -e link/address ]; do sleep 0.05; done
echo "[127.0.0.1]:$(sed 's/.*://' link/address) $(cut -d ' ' -f 1-2 host.pub)" >>bound/.ssh/known_hosts
sed -i "s,^url = .*,url = ssh://$user@$(cat link/address)$FOLDER/b," b/config.ini
want "the address over the link" 0 as bound a peer add "$(chama b invite 2>/dev/null)"
head -c 4000000 /dev/urandom >data/noise
chama a publish noise data --share open >/dev/null
HOME=$FOLDER/bound "$CHAMA" --home "$FOLDER/a" push --batch --limit-rate 1M tourism >/dev/null 2>&1 &
pusher=$!
while [ "$(cat link/bytes)" -lt 700000 ]; do sleep 0.05; done
touch link/frozen; sleep 0.2
kill -9 $pusher; wait $pusher 2>/dev/null
rm link/frozen
began=$(date +%s)
want "the next one takes its place" 0 as bound a push --batch tourism
[ $(($(date +%s) - began)) -lt 10 ] && ok "soon" || bad "it waited" "$(($(date +%s) - began)) s"
has "with what had not come" "$out" " 1 versions"
rm -rf got
want "it is there" 0 chama b get forestry/noise got
same_tree "whole" data got
for pid in $(pgrep -f "$FOLDER/b serve --stdio"); do timeout 5 tail --pid="$pid" -f /dev/null; done
if pgrep -f "$FOLDER/b serve --stdio" >/dev/null; then bad "a process is left" "$(pgrep -af "$FOLDER/b serve")"; else ok "no process is left at the receiver"; fi
