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
if grep -rqs "kept from all" e; then bad "the stranger has the reason of what is not open"; else ok "the stranger has no reason of what is not open"; fi
for home in a b c d e; do want "fsck of $home" 0 chama $home fsck; done
