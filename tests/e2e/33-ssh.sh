#!/bin/sh
# Peers over SSH, by OpenSSH's sshd: whose host key counts, who the caller is, and what comes.
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/sshd.sh"

# key NAME [COMMAND]: a person's folder NAME with a key that the server takes, for anything or for that command alone.
key() {
    mkdir -p "$1/.ssh" && ssh-keygen -q -t ed25519 -N '' -C '' -f "$1/.ssh/id_ed25519"
    echo "${2:+command=\"$2\",restrict }$(cat "$1/.ssh/id_ed25519.pub")" >>authorized
}

# as PERSON HOME ARGUMENTS...: chama with that person's keys and known hosts.
as() {
    person=$1
    shift
    HOME=$FOLDER/$person chama "$@"
}

knows() { echo "[127.0.0.1]:${host#*:} $(cat "$2")" >"$1/.ssh/known_hosts"; }

mkdir open closed && seq 200000 >open/numbers && head -c 3000000 /dev/urandom >closed/noise
make_node a Forestry
for home in b c; do make_node $home Tourism --url "ssh://$user@$host/$FOLDER/$home"; done
id_a=$(chama a id | head -n 1)
id_b=$(chama b id | head -n 1)
ssh-keygen -q -t ed25519 -N '' -C '' -f host
ssh-keygen -q -t ed25519 -N '' -C '' -f stranger
mkdir bin && cp "$CHAMA" bin/chama
key plain
key bound "$CHAMA --home $FOLDER/a serve --stdio --as $id_b"
key nobody "$CHAMA --home $FOLDER/a serve --stdio --as tourism"
key none "$FOLDER/no-such-chama serve --stdio"
key other "echo Welcome to this machine"
mkdir -p locked/.ssh && ssh-keygen -q -t ed25519 -N geheim -C '' -f locked/.ssh/id_ed25519 && cat locked/.ssh/id_ed25519.pub >>authorized
mkdir -p unasked/.ssh && cp stranger unasked/.ssh/id_ed25519
start_sshd "SetEnv PATH=$FOLDER/bin:/usr/bin:/bin"
address=ssh://$user@$host

# First contact, by a bare address.
want "SH4: a host that is not known, in a batch" 4 as plain b peer add --batch --id "$id_a" "$address$FOLDER/a"
has "names its fingerprint" "$err" "$(ssh-keygen -lf host.pub | cut -d ' ' -f 2)"
want "SH4: a host that is not known, without a terminal" 4 as plain b peer add --id "$id_a" "$address$FOLDER/a"
for person in plain bound nobody none other locked unasked; do knows $person stranger.pub; done
want "SH4: a host that has changed" 3 as plain b peer add --id "$id_a" "$address$FOLDER/a"
has "says so" "$err" "SH4: shows another host key"
[ ! -e b/known_hosts ] && ok "nothing is noted of it" || bad "nothing is noted of it"
for person in plain bound nobody none other locked unasked; do knows $person host.pub; done
want "SH5: a key that the server does not know" 4 as unasked b peer add --batch --id "$id_a" "$address$FOLDER/a"
has "names it" "$err" "unasked/.ssh/id_ed25519"
want "SH5: a passphrase and nobody to ask" 4 as locked b peer add --batch --id "$id_a" "$address$FOLDER/a"
has "says what it wants" "$err" "SH5: want its passphrase"
want "SH5: a user that is not there" 4 as plain b peer add --batch --id "$id_a" "ssh://nobody-of-this-name@$host$FOLDER/a"
want "SH6: no chama there" 5 as none b peer add --batch --id "$id_a" "$address"
has "says how it ended" "$err" "SH6: want \`chama serve --stdio\` to answer there, have a command that ended with status 127"
want "SH6: another program there" 5 as other b peer add --batch --id "$id_a" "$address"
want "SH6: no node there" 5 as plain b peer add --batch --id "$id_a" "$address$FOLDER/nowhere"
has "says what chama said" "$err" "nowhere"
want "PS2: a key that is bound to no node id" 5 as nobody b peer add --batch --id "$id_a" "$address"
has "says what chama said" "$err" "PS2"
want "another node there" 3 as plain b peer add --batch --id "$id_b" "$address$FOLDER/a"
for bad in "ssh://$user:secret@$host" "ssh://-oProxyCommand=touch" "ssh://$host/a?b" "ssh://"; do
    want "SH1: $bad" 2 as plain b peer add --batch --id "$id_a" "$bad"
done
want "a node that is met over SSH" 0 as plain b peer add --batch --alias forestry --id "$id_a" "$address$FOLDER/a"
want "SH5: a push with a key that the server does not know" 4 as unasked b push --batch forestry
case $err in *accept*) bad "speaks of that key alone" "$err" ;; *SH5*) ok "speaks of that key alone" ;; *) bad "speaks of that key" "$err" ;; esac

# A person at a terminal, who has no keys but that of the configuration.
mkdir -p bare/.ssh
sed -i "s|^key =.*|key = $FOLDER/plain/.ssh/id_ed25519|" c/config.ini
at_terminal() { echo "$1" | HOME=$FOLDER/bare script -qec "$CHAMA --home $FOLDER/c peer add --id $id_a $address$FOLDER/a" /dev/null; }
want "a person who says no" 4 at_terminal n
has "is asked" "$out" "Did its people tell you this fingerprint?"
want "is not noted" 1 test -e c/known_hosts
want "a person who says yes" 0 at_terminal y
equal "is noted" "$(cat c/known_hosts)" "[127.0.0.1]:${host#*:} $(cut -d " " -f 1-2 host.pub)"
want "and not asked again" 0 as bare c peer add --batch --id "$id_a" "$address$FOLDER/a"
sed -i "s|^key =.*|key = $FOLDER/unasked/.ssh/id_ed25519|" c/config.ini
want "SH5: with that key alone" 4 as plain c peer add --id "$id_a" "$address$FOLDER/a"
sed -i "s|^key =.*|key =|" c/config.ini
rm c/known_hosts
chama c peer rm forestry >/dev/null

# Anonymous: what anyone may have.
chama a publish open open --share open >/dev/null
chama a publish closed closed --share conditional >/dev/null 2>&1
chama b follow 'forestry/*' >/dev/null 2>&1
want "a sync without a name" 0 as plain b sync --batch forestry
first_address() { chama b peer ls --json | python3 -c 'import json, sys; print(*json.load(sys.stdin)[0]["urls"])'; }
equal "PE5: the address that a person gave stays before those of the profile" "$(first_address)" "$address$FOLDER/a https://$(address_of a)"
want "brings what is open" 0 chama b get forestry/open out
same_tree "as it is" open out
want "PF: verified" 0 chama b verify forestry/open
want "but nothing else" 1 chama b get forestry/closed closed-out

# Bound to a node by the key's line: what that node may have.
want "an invite with an address of SSH" 0 chama b invite
has "has it" "$out" "url=ssh%3A%2F%2F"
chama a peer add "$out" --alias tourism >/dev/null || bad "a adds b"
want "accepted, without a grant" 0 as bound b sync --batch forestry
want "the closed one stays closed" 1 chama b get forestry/closed closed-out
chama a grant closed tourism >/dev/null 2>&1
want "a sync with a grant, as nobody" 0 as plain b sync --batch forestry
want "brings nothing of it" 1 chama b get forestry/closed closed-out
want "a sync with a grant, by the bound key" 0 as bound b sync --batch forestry
want "brings it" 0 chama b get forestry/closed closed-out
same_tree "as it is" closed closed-out
want "as another node by that key" 0 as bound c peer add --batch --alias forestry --id "$id_a" "$address"
want "E5: is refused" 3 as bound c sync --batch forestry
as bound b sync --batch forestry >/dev/null 2>&1
has "one receipt of it" "$(chama b receipts 2>&1)" "closed"

# The daemon: it asks nobody.
sed -i 's/^interval = 300/interval = 1/' b/config.ini
knows bound stranger.pub
HOME=$FOLDER/bound
export HOME
start b
seq 300000 >open/numbers && chama a publish open open --share open >/dev/null
for _ in $(seq 100); do grep -q SH4 b.log && break; sleep 0.1; done
has "SH4: a daemon refuses a host that has changed" "$(cat b.log)" "SH4: shows another host key"
