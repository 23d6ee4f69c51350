#!/bin/sh
# What nodes state about versions: attestations, withdrawals, erasures; who believes them, and what they refuse.
. "$SOURCE/tests/lib.sh"
fixture v1
make_node a Forestry
make_node b Tourism
make_node c Audit
for home in a b c; do start $home; done
pair a b; pair b c
chama a publish divisions v1 --share open >/dev/null
chama b follow '*' >/dev/null
chama b sync >/dev/null

# Attestations
want "attest a peer's version" 0 chama b attest forestry/divisions@1 --type quality --result pass --note "1 of 5 000 checked" --until 2099-12-31
has "says what" "$out" "forestry/divisions@1: quality: pass, until 2099-12-31T23:59:59Z"
want "attest one's own" 0 chama a attest divisions@1 --type https://standards.example/a --result fail --json
has "as JSON" "$out" '"result": "fail"'
want "another type beside it" 0 chama b attest forestry/divisions@1 --type review --result fail
want "a later one takes its place" 0 chama b attest forestry/divisions@1 --type review --result pass
want "show" 0 chama b show forestry/divisions@1
has "has the first, with its note" "$out" "quality: pass, by this node"
has "the note" "$out" ": 1 of 5 000 checked"
has "the later review" "$out" "review: pass"
has_not "and not the earlier" "$out" "review: fail"
want "the owner syncs" 0 chama a sync
want "and shows" 0 chama a show divisions@1
has "what its peer found" "$out" "quality: pass, by tourism"
has "and what it stated itself" "$out" "https://standards.example/a: fail, by this node"
want "a node that never saw the owner syncs with the one between" 0 chama c sync
want "of a version that it knows through a peer" 0 chama c ls --json
name=$(printf '%s\n' "$out" | sed -n 's/.*"dataset": "\(.*divisions\)".*/\1/p')
want "show it there" 0 chama c show --json "$name@1"
equal "two are known there" "$(printf '%s\n' "$out" | grep -c '"result"')" 2
want "attest there, too" 0 chama c attest "$name@1" --type approval --result pass

want "no version" 2 chama b attest forestry/divisions --type quality --result pass
has "says what it wants" "$err" "NAME@VERSION"
want "no type" 2 chama b attest forestry/divisions@1 --result pass
want "no such type" 2 chama b attest forestry/divisions@1 --type beauty --result pass
want "no result" 2 chama b attest forestry/divisions@1 --type quality
want "no such result" 2 chama b attest forestry/divisions@1 --type quality --result perhaps
want "an end that is over" 2 chama b attest forestry/divisions@1 --type quality --result pass --until 2001-01-01
want "no date" 2 chama b attest forestry/divisions@1 --type quality --result pass --until soon
want "an empty note" 2 chama b attest forestry/divisions@1 --type quality --result pass --note ''
want "a note that turns the writing" 2 chama b attest forestry/divisions@1 --type quality --result pass --note "$(printf '\342\200\256')"
want "no such version" 1 chama b attest forestry/divisions@7 --type quality --result pass
want "no such dataset" 1 chama b attest forestry/rivers@1 --type quality --result pass
want "no such node" 1 chama b attest nobody/divisions@1 --type quality --result pass
equal "none of which was stated" "$(git -C b/ledger.git log -p | grep -c '^+.*attestation/1')" 3

# One that has lapsed says so: the record is of a time when it had not.
soon=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)
want "one for two seconds" 0 chama b attest forestry/divisions@1 --type valuation --result pass --until "$soon"
sleep 3
want "later" 0 chama b show forestry/divisions@1
has "it has lapsed" "$out" "valuation: pass, by this node"
has "and says so" "$out" "lapsed $soon"
want "and in JSON" 0 chama b show --json forestry/divisions@1
has "too" "$out" '"lapsed": true'

# Withdrawals
mkdir lakes && echo depth >lakes/depth.csv
chama a publish lakes lakes --share open >/dev/null
echo deeper >>lakes/depth.csv
chama a publish lakes lakes --share open >/dev/null
want "the mirror syncs" 0 chama b sync forestry
chama b get forestry/lakes@2 b-lakes >/dev/null
want "and derives something" 0 chama b publish trails b-lakes --share open --from forestry/lakes@2
chama a sync tourism >/dev/null

want "withdraw without a reason" 2 chama a withdraw lakes@2
want "with an empty one" 2 chama a withdraw lakes@2 --reason ''
want "with one that does not show" 2 chama a withdraw lakes@2 --reason "$(printf 'a\033[2Jb')"
want "without a version" 2 chama a withdraw lakes --reason wrong
want "of another node" 4 chama b withdraw forestry/lakes@2 --reason wrong
want "that is not there" 1 chama a withdraw lakes@3 --reason wrong
want "withdraw" 0 chama a withdraw lakes@2 --reason "depths in feet, not metres"
has "says who uses it" "$out" "used by tourism/trails@1"
has_not "each once" "${out#*used by}" "used by"
want "a second time" 1 chama a withdraw lakes@2 --reason again
has "says why" "$err" "withdrawn $(date -u +%Y-%m-%d): depths in feet"

want "get refuses" 4 chama a get lakes@2 a-lakes
has "says when and why" "$err" "withdrawn $(date -u +%Y-%m-%d): depths in feet, not metres"
has "and which stands" "$err" "the newest that stands is lakes@1"
want "get of the newest refuses, too" 4 chama a get lakes a-lakes
want "cat refuses" 4 chama a cat lakes@2 depth.csv
want "unless it is wanted" 0 chama a cat --withdrawn lakes@2 depth.csv
want "get, too" 0 chama a get --withdrawn lakes@2 a-lakes
want "the one before" 0 chama a get lakes@1 a-lakes-1
for say in "show lakes@2" "ls lakes" "log lakes"; do
    # shellcheck disable=SC2086
    want "$say" 0 chama a $say
    has "says it" "$out" "withdrawn $(date -u +%Y-%m-%d): depths in feet, not metres"
done
want "show as JSON" 0 chama a show --json lakes@2
has "says it" "$out" '"withdrawn": {'
want "verify" 0 chama a verify lakes@2

# The owner and a mirror that has heard of it give it to nobody.
make_node d Health
pair a d; pair b d
chama d follow '*/lakes' >/dev/null
want "one who has nothing yet asks the mirror, which has not heard of it" 0 chama d sync tourism
name=$(chama d ls --json '*lakes' | sed -n 's/.*"dataset": "\(.*\)",/\1/p')
chama d drop "$name@2" >/dev/null && chama d gc >/dev/null && chama d follow '*/lakes' >/dev/null
want "the mirror hears" 0 chama b sync forestry
want "status there" 0 chama b status
has "says so" "$out" "forestry/lakes@2: depths in feet, not metres (held here, trails@1 was made from it)"
want "and as JSON" 0 chama b status --json
has "too" "$out" '"withdrawn": ['
want "get there refuses" 4 chama b get forestry/lakes@2 b-lakes-2
want "one who does not know of it asks the mirror again" 0 chama d sync tourism
want "it is not given" 4 chama d get "$name@2" d-lakes
want "nor by the owner" 0 chama d sync forestry
has_not "nor asked for" "$out$err" "lakes@2"
want "it is not here" 1 chama d get --withdrawn "$name@2" d-lakes
want "the one before is" 0 chama d get "$name@1" d-lakes
want "status where nothing of it is" 0 chama d status
has_not "says nothing" "$out" WITHDRAWN
want "a statement about another's version withdraws nothing" 0 chama b attest forestry/lakes@1 --type quality --result fail
want "lakes@1 stands" 0 chama d sync
want "what is made from one that does not" 0 chama b publish ponds b-lakes --share open --from forestry/lakes@2
has "is made with a warning" "$err" "forestry/lakes@2: withdrawn $(date -u +%Y-%m-%d): depths in feet"

# One who may only have the open part of the ledger hears of it, too, and what ends no open version is not told to it.
make_node e Stranger
chama a publish inner secret --share conditional >/dev/null 2>&1 || { mkdir secret && echo x >secret/x && chama a publish inner secret --share conditional >/dev/null; }
want "a stranger adds the owner" 0 chama e peer add "$(chama a invite 2>/dev/null)"
chama e follow '*/lakes' >/dev/null
want "and gets the open part" 0 chama e sync
want "which says that it was withdrawn" 0 chama e show forestry/lakes@2
has "when and why" "$out" "withdrawn $(date -u +%Y-%m-%d): depths in feet"
want "the owner withdraws what it has" 0 chama a withdraw lakes@1 --reason "of another lake"
want "and what is not open" 0 chama a withdraw inner@1 --reason "kept from all who may not know of it"
want "it syncs" 0 chama e sync
want "and knows" 4 chama e get forestry/lakes@1 e-lakes
has "why" "$err" "of another lake"
echo "marsh words" >lakes/marsh.csv
chama a publish lakes lakes --share open >/dev/null
want "it gets the newest" 0 chama e sync
equal "which lies in its store" "$(python3 "$SOURCE/tests/interop/words.py" e "marsh words")" 1
want "the owner erases that" 0 chama a erase lakes@3 --reason "not ours" --yes
want "it syncs" 0 chama e sync
has "and erases it, too" "$out$err" "forestry/lakes@3: erased by its owner"
equal "nothing is left" "$(python3 "$SOURCE/tests/interop/words.py" e "marsh words")" 0
if grep -rqs "kept from all" e; then bad "the stranger has the reason of what is not open"; else ok "the stranger has no reason of what is not open"; fi
for home in a b c d e; do want "fsck of $home" 0 chama $home fsck; done

# Erasure.  The table's third version is stored against its second; what is erased must go all the same.
mkdir names
seq 1 20000 | sed 's/$/,registered/' >names/register.csv && echo "Xuexin Kranich,25.0389" >>names/register.csv
echo "sole file of the first version: Kranichnest" >names/note.txt
chama a publish names names --share conditional >/dev/null
rm names/note.txt
seq 1 20000 | sed 's/^\(.*7\)$/\1,left/; s/$/,registered/' >names/register.csv
chama a publish names names --share conditional >/dev/null
seq 1 20000 | sed 's/^\(.*3\)$/\1,left/; s/$/,registered/' >names/register.csv
chama a publish names names --share conditional >/dev/null
chama a grant names tourism >/dev/null
chama b follow forestry/names >/dev/null
want "the mirror has all three" 0 chama b sync forestry
want "one of them" 0 chama b get forestry/names@1 b-names

# lies HOME WORDS: how many objects in its store, opened, hold WORDS.
lies() { python3 "$SOURCE/tests/interop/words.py" "$FOLDER/$1" "$2"; }
equal "the words are in the owner's store" "$(lies a Kranichnest)" 1
equal "and in the mirror's" "$(lies b Kranichnest)" 1
equal "the row, too" "$(lies b 'Xuexin Kranich')" 1

want "erase without a reason" 2 chama a erase names@1 --yes
want "without a version" 2 chama a erase names --reason x --yes
want "where nobody can be asked" 2 sh -c "\"$CHAMA\" --home \"$FOLDER/a\" erase names@1 --reason x </dev/null"
has "says so" "$err" "--yes"
want "a reason that does not show" 2 chama a erase names@1 --reason "$(printf 'a\033[2Jb')" --yes
want "a version that is not there" 1 chama a erase names@9 --reason x --yes
want "of another node, not held here" 1 chama c erase "$(chama c ls --json | sed -n 's/.*"dataset": "\(.*divisions\)".*/\1/p' | head -n 1)@1" --reason x --yes
equal "none of which changed anything" "$(lies a Kranichnest)" 1
want "erase" 0 chama a erase names@1 --reason "a person asked for it" --yes
has "says what" "$out" "erased names@1: a person asked for it"
has "and what it cannot reach" "$err" "not reached: folders and files written from it, backups"
equal "nothing of the first version's file is left" "$(lies a Kranichnest)" 0
equal "nor of the row" "$(lies a 'Xuexin Kranich')" 0
want "a second time" 1 chama a erase names@1 --reason again --yes
want "get" 1 chama a get names@1 a-names
has "says when and why" "$err" "erased $(date -u +%Y-%m-%d): a person asked for it"
want "the others are whole" 0 chama a verify names
has "with a word of the first" "$out" "names@1: erased $(date -u +%Y-%m-%d): a person asked for it"
has "the second" "$out" "names@2: good"
want "verify of the one" 0 chama a verify names@1
want "show" 0 chama a show names@1
has "says it" "$out" "erased $(date -u +%Y-%m-%d): a person asked for it"
want "fsck" 0 chama a fsck

want "another mirror's version, erased there alone" 0 chama b erase forestry/divisions@1 --reason "no room" --yes
want "it does not come back" 0 chama b sync forestry
want "indeed" 1 chama b get forestry/divisions@1 b-div
has "for it was erased" "$err" "erased $(date -u +%Y-%m-%d): no room"
want "the owner hears" 0 chama a sync tourism
want "and does not mind" 0 chama a get divisions@1 a-div
equal "the mirror followed the owner's at its sync" "$(lies b Kranichnest)" 0
equal "the row as well" "$(lies b 'Xuexin Kranich')" 0
want "get there" 1 chama b get forestry/names@1 b-names-2
has "gives the owner's reason" "$err" "erased $(date -u +%Y-%m-%d): a person asked for it"
want "the others are whole" 0 chama b verify forestry/names
want "and can be had" 0 chama b get forestry/names@3 b-names-3
same_tree "as they are" names b-names-3
equal "it stated a tombstone of its own, once" "$(git -C b/ledger.git log -p | grep -c '^+.*"of":.*"type":"erasure/1"')" 1
want "which names no dataset" 0 sh -c "! git -C '$FOLDER/b/ledger.git' log -p | grep 'erasure/1' | grep -q names"
want "one more sync" 0 chama b sync forestry
equal "says nothing more" "$(git -C b/ledger.git log -p | grep -c '^+.*"of":.*"type":"erasure/1"')" 1
for home in a b; do
    want "fsck of $home" 0 chama $home fsck
    want "the second reader finds $home whole" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/$home"
done

# What is not held any more, but what is held was stored against.
want "a version that was dropped before it is erased" 0 chama a drop names@2
want "and swept" 0 chama a gc
[ "$(lies a "7,left,registered")" -gt 0 ] && ok "its chunks stay, for the next is stored against them" || bad "nothing is stored against it"
want "erase it" 0 chama a erase names@2 --reason "all of it" --yes --json
[ "$(printf "%s\n" "$out" | sed -n "s/.*\"made_whole\": //p" | tr -d ,)" -gt 0 ] && ok "the next is stored anew" || bad "nothing was stored anew" "$out"
equal "nothing of it is left" "$(lies a '7,left,registered')" 0
want "the next is whole" 0 chama a verify names

# Published again it is a new version, with nothing of the old.
want "erase the newest" 0 chama a erase names@3 --reason "to begin anew" --yes
want "get" 1 chama a get names a-names-4
want "publish it again" 0 chama a publish names names --share conditional
has "is a new version" "$out" "names@4"
want "which can be had" 0 chama a get names a-names-4
same_tree "as it is" names a-names-4
want "the older ones stay erased" 1 chama a get names@3 a-names-5
want "fsck" 0 chama a fsck
want "the second reader" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/a"

# Somebody uses the store while a mirror syncs: access is refused at once, and the bytes go later.
want "the mirror syncs while the store is in use" 0 sh -c "exec 9<>'$FOLDER/b/store/lock'; flock -s 9; \"$CHAMA\" --home '$FOLDER/b' sync forestry"
has "says so" "$out$err" "still in the store"
want "it counts as erased" 1 chama b get forestry/names@2 b-names-5
has "with the owner's reason" "$err" "all of it"
want "fsck has no fault to find" 0 chama b fsck
want "status" 0 chama b status
has "says that it is still here" "$out" "2 erased versions are still in the store"
want "gc ends it" 0 chama b gc
equal "then nothing is left" "$(lies b '7,left,registered')" 0
want "fsck" 0 chama b fsck
want "and nothing more is to do" 0 chama b sync forestry
has_not "it says" "$out$err" "still in the store"

# One document, several parties.
echo "the parties agree to share what they know of lakes" >agreement.txt
digest=sha256:$(sha256sum agreement.txt | cut -d' ' -f1)
want "nobody yet" 0 chama a endorse --who agreement.txt
has "says so" "$err" "no ledger known here"
want "one party" 0 chama a endorse agreement.txt --note "for the bureau"
has "names what it endorsed" "$out" "$digest"
want "the other, by the digest" 0 chama b endorse "$digest"
want "they sync" 0 chama b sync forestry
want "who" 0 chama b endorse --who "$digest" --json
equal "both" "$(printf '%s\n' "$out" | grep -c '"record"')" 2
want "once more" 1 chama a endorse agreement.txt
has "was done" "$err" "endorsed by this node already"
echo "and pay for it" >>agreement.txt
want "another text" 0 chama b endorse --who agreement.txt
has_not "nobody endorsed that" "$out" "endorsed by"
want "no such file" 1 chama a endorse nothing.txt
want "a folder" 1 chama a endorse lakes
want "a digest that is none" 2 chama a endorse sha256:00
want "another algorithm" 2 chama a endorse --who sha256:zz
want "an empty note" 2 chama a endorse agreement.txt --note ''
want "a note to who" 2 chama a endorse --who agreement.txt --note x
