#!/bin/sh
# What a sync says of what it was not given; grants that cannot count; words for peers that mean nothing.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
json() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
make_node a Forestry
make_node b Tourism
start a
pair a b
chama a publish divisions v1 --share open >/dev/null
chama a publish divisions v2 >/dev/null
chama a publish secret v1 >/dev/null 2>&1
chama a publish inner v1 --share none >/dev/null 2>&1
want "follow of what is not known yet" 0 chama b follow 'forestry/*'
has "says so" "$err" "no dataset known here matches yet"

want "sync --dry-run" 0 chama b sync --dry-run --json
wanted=$(printf '%s' "$out" | json "[0]['wanted_chunks']")
bytes=$(printf '%s' "$out" | json "[0]['wanted_bytes']")
want "sync" 0 chama b sync --json
equal "a dry run counts what two versions have in common once" "$wanted" "$(printf '%s' "$out" | json "[0]['chunks']")"
if [ "$bytes" -gt 0 ]; then ok "and names bytes"; else bad "no bytes"; fi
equal "what was not given is counted" "$(printf '%s' "$out" | json "[0]['refused']")" 1
want "sync, for a person" 0 chama b sync
has "tells of it" "$err" "1 followed version was not given: no grant"
want "show of it" 0 chama b show forestry/secret
has "says why" "$out" "not held here: no grant to this node is in force"
want "show of what nobody gets" 0 chama b show forestry/inner
has "says why" "$out" "not held here: its owner shares it with nobody"
want "show --json of it" 0 chama b show forestry/inner --json
equal "is JSON" "$(printf '%s' "$out" | json "['share']")" none

want "a grant of what is shared with nobody" 0 chama a grant inner tourism
has "warns" "$err" "--share conditional"
want "a grant of what is open" 0 chama a grant divisions tourism --public
has "says that it is not needed" "$err" "divisions is open"
has "and who can read it" "$out" "(public: "
want "a grant" 0 chama a grant secret tourism --until 2099-12-31
has "lasts to the end of its last day" "$out" "until 2099-12-31T23:59:59Z"
want "sync" 0 chama b sync
has "tells of the statements" "$err" "forestry: 2 sealed statements for this node alone"
has_not "and has nothing to regret" "$err" "not given"
want "show" 0 chama b show forestry/secret
has "it came" "$out" "content    held"

echo new >v1/new.txt && chama a publish divisions v1 >/dev/null
chama a drop divisions@3 >/dev/null 2>&1; chama a gc >/dev/null
want "sync of what its owner dropped" 0 chama b sync
has "is no failure, but said" "$err" "forestry/divisions@3: not given"
want "status" 0 chama b status
has "shows the peer as well" "$out" "ok"
want "a second sync" 0 chama b sync
has "counts it again" "$err" "1 followed version was not given"

want "follow of one's own" 2 chama a follow 'self/*'
want "unfollow of what matches nothing" 0 chama b unfollow 'x*'
want "peer add of a word" 2 chama b peer add forestry
has "says what it wants" "$err" "chama://"
want "peer add with an id that is none" 2 chama b peer add https://127.0.0.1:1 --id abc
has "asks nobody" "$err" "--id: want a node id"
want "peer add of an address where nobody is" 5 chama b peer add https://127.0.0.1:1
equal "names it once" "$(printf '%s' "$err" | grep -o 'https://127.0.0.1:1' | wc -l)" 1
want "an alias that is none" 2 chama b peer add "$(chama a invite)" --alias 林业
has "names it" "$err" "林业"
want "verify --json" 0 chama b verify forestry/divisions --json
equal "names each subject" "$(printf '%s' "$out" | json "['subjects'][1]['subject']")" "forestry/divisions@2"
want "peer rm" 0 chama b peer rm forestry
has "says what stays" "$out" "chama follow"
