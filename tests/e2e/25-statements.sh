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
