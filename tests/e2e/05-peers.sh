#!/bin/sh
# Invites, first contact by a bare URL, pending, accepting, renaming, removing; what an unknown caller sees.
. "$SOURCE/tests/lib.sh"
fixture v1
make_node a Forestry
make_node b Tourism
make_node c Forestry
start a && start b && start c
id_a=$(chama a id | head -n 1)
id_b=$(chama b id | head -n 1)
id_c=$(chama c id | head -n 1)
chama a publish divisions v1 --share open >/dev/null
chama a publish inner v1 --share none >/dev/null

want "invite" 0 chama a invite
invite=$out
has "an invite names the node" "$invite" "$id_a"
equal "an invite is one line" "$(printf '%s\n' "$invite" | wc -l)" 1
want "a cut invite" 2 chama b peer add "$(printf %s "$invite" | cut -c 1-100)"
want "an invite with another id" 2 chama b peer add "$(printf %s "$invite" | sed "s/$id_a/$id_b/")"
want "add by invite" 0 chama b peer add "$invite"
want "add it again" 0 chama b peer add "$invite"
want "peer ls" 0 chama b peer ls
equal "lists it once" "$(printf '%s\n' "$out" | grep -c "$id_a")" 1
want "adding oneself" 2 chama a peer add "$invite"

# Added on one side only: B stands in A's pending and sees what anyone sees.
chama b follow '*' >/dev/null
want "sync with a node that does not know us" 0 chama b sync
want "the open dataset came" 0 chama b get forestry/divisions out
same_tree "whole" v1 out
want "the other is not even known" 1 chama b show forestry/inner
want "verify works on the open part" 0 chama b verify
want "pending" 0 chama a peer pending
has "shows who dialled in" "$out" "$id_b"
want "accepting someone else" 1 chama a peer accept "$id_c"
has "says which ids there are" "$err" "$id_c: no node that waits has this id; want the id, or 8 or more characters"
want "by what it calls itself" 1 chama a peer accept tourism
has "nobody is accepted" "$err" "tourism: no node that waits has this id"
want "accept" 0 chama a peer accept "$id_b"
want "once more" 1 chama a peer accept "$id_b"
equal "says that it is done" "$err" "chama: $id_b: is an accepted peer already"
want "pending" 0 chama a peer pending
equal "is empty now" "$out" ""
want "sync as an accepted peer" 0 chama b sync
want "the whole ledger is known now" 0 chama b show forestry/inner

# By a bare address: without a terminal the id must be given.
url=https://$(address_of c)
want "a bare URL without a terminal" 4 chama b peer add "$url"
has "shows the id" "$err" "$id_c"
want "a bare URL with another id" 3 chama b peer add "$url" --id "$id_a"
want "a bare URL with its id" 0 chama b peer add "$url" --id "$id_c"
want "peer ls" 0 chama b peer ls
has "two nodes of one name are not shown alike" "$out" "forestry-2"
want "an address where nobody is" 5 chama b peer add "https://127.0.0.1:1" --id "$id_c"
want "a scheme that is not known" 2 chama b peer add "gopher://127.0.0.1:1" --id "$id_c"
want "rm" 0 chama b peer rm forestry-2
want "rm of what is not there" 1 chama b peer rm forestry-2
want "an alias of one's own" 0 chama b peer add "$(chama c invite)" --alias forst
want "names work by it" 0 chama b sync forst

# Someone else at the address: the pin refuses before a word is said.
stop c
mkdir fake && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout fake/k.pem -out fake/c.pem -days 2 -subj /CN=x 2>/dev/null
openssl s_server -accept "$(address_of c | cut -d: -f2)" -key fake/k.pem -cert fake/c.pem -tls1_3 -quiet </dev/null >/dev/null 2>&1 &
servers="$servers $!"
sleep 0.5
want "an impostor's key is refused" 3 chama b sync forst
has "and named as such" "$err" "key"
