#!/bin/sh
# PE7: nodes hear of each other without a hub; adding one is a person's decision; an address changes and the identity does not.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
make_node b Tourism
make_node c Hub
make_node d Forestry
make_node e Private --ledger peers
for other in a b d e; do pair $other c; done
for home in a c d e; do start $home; done
id_a=$(chama a id | head -n 1) id_d=$(chama d id | head -n 1) id_e=$(chama e id | head -n 1)

want "nobody is known yet" 0 chama b peer ls --known
equal "so none is shown" "$out" ""
want "the third party syncs" 0 chama c sync
want "a node syncs with it alone" 0 chama b sync
want "whom it told of" 0 chama b peer ls --known
equal "two nodes, two lines" "$(printf '%s\n' "$out" | wc -l)" 2
has "by name and id" "$out" "forestry~$(echo "$id_a" | cut -c 1-6)"
has "two of one name are not shown alike" "$out" "forestry~$(echo "$id_d" | cut -c 1-6)"
has "with the whole id" "$out" "$id_a"
has "and the address" "$out" "https://$(address_of a)"
has "and who introduced it" "$out" "hub"
has_not "not one whose profile lets its ledger go to its peers alone" "$out" "$id_e"
want "as JSON" 0 chama b peer ls --known --json
equal "the same" "$(printf '%s' "$out" | python3 -c 'import json, sys
print(sorted((n["node"], n["introduced_by"] == ["hub"], len(n["fingerprint"]) > 40, n["urls"][0]) for n in json.load(sys.stdin)) == sorted((node, True, True, "https://" + address) for node, address in zip(sys.argv[1::2], sys.argv[2::2])))' \
    "$id_a" "$(address_of a)" "$id_d" "$(address_of d)")" True
has_not "none was dialled" "$(cat a.log d.log)" "node=$(chama b id | head -n 1)"
want "none is a peer" 0 chama b peer ls
has_not "as before" "$out" "$id_a"

known=forestry~$(echo "$id_a" | cut -c 1-6)
want "without a terminal nobody is asked" 4 chama b peer add "$known"
has "the fingerprint is shown" "$err" "$(chama a id | sed -n 2p)"
want "another id than the person was told" 3 chama b peer add "$known" --id "$id_d"
want "a name that two have" 2 chama b peer add forestry --id "$id_a"
has "NM4" "$err" NM4
want "one that nobody told of" 1 chama b peer add nobody~abcdef --id "$id_a"
want "the private one" 1 chama b peer add "$id_e" --id "$id_e"
want "a word that means nobody" 2 chama b peer add nobody --id "$id_a"
has "what is wanted" "$err" "chama://"
want "who is a peer already" 2 chama b peer add hub
has "is not added again" "$err" "which is no peer yet"
want "nor by its id" 1 chama b peer add "$(chama c id | head -n 1)"
has "PE7" "$err" PE7
want "what is no address" 2 chama b peer add gopher://x/y
want "the node itself" 2 chama b peer add self --id "$(chama b id | head -n 1)"
want "added by a person" 0 chama b peer add "$known" --id "$id_a"
want "it is a peer" 0 chama b peer ls
has "by its address" "$out" "https://$(address_of a)"
want "and no stranger" 0 chama b peer ls --known
has_not "any more" "$out" "$id_a"
want "the other accepts it, too" 0 chama a peer add "$(chama b invite 2>/dev/null)"
want "they sync" 0 chama b sync forestry

# It moves; who cannot reach it any more learns from the third party where it is.
stop a
old=$(address_of a)
new=127.0.0.1:$(port)
sed -i "s/$old/$new/g" a/config.ini
echo "$new" >a.address
start a
want "at the old address nobody is" 5 chama b sync forestry
want "nor does the third party find it" 5 chama c sync forestry
want "which is brought the new one when the node dials it (W22)" 0 chama a sync hub
want "its peer learns it there" 0 chama b sync hub
want "the address is another" 0 chama b peer ls
has "the new one" "$out" "https://$new"
has "and the node the same" "$out" "$id_a"
want "and is dialled" 0 chama b sync forestry

# Who introduced whom goes with the peer that did.
want "the third party is forgotten" 0 chama b peer rm hub
want "its word" 0 chama b peer ls --known
has_not "counts no more" "$(printf '%s' "$out" | grep "$id_d")" "hub "
