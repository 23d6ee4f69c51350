#!/bin/sh
# chama audit --live: a node is asked for its log, and what it shows must go on from what it showed before.
. "$SOURCE/tests/lib.sh"
fixture v1
fixture v2
make_node a Forestry
make_node b Tourism
make_node c Auditor
kinds() { python3 -c 'import json,sys; print(" ".join(sorted({f["kind"] for f in json.load(sys.stdin)["findings"]})))'; }
ledgers() { find "$1/ledgers" "$1/sparse" "$1/store" -type f 2>/dev/null | sort; }

chama a publish divisions v1 --share open -m first >/dev/null 2>&1
start a
pair a b
before=$(ledgers b)
want "a peer that was never asked" 0 chama b audit --live forestry
has "shows its log" "$out" "good: forestry: shows a log of 3 records; none was seen here before to compare it with"
has "of which each record holds" "$out" "good: forestry: 3 of its 3 records were fetched and hold now"
has "and so all is well" "$out" "Everything that was looked at holds."
equal "and nothing was copied" "$(ledgers b)" "$before"
chama a publish divisions v2 -m second >/dev/null 2>&1
want "asked again" 0 chama b audit --live forestry --json
has "it goes on" "$(printf '%s' "$out" | kinds)" "live-entries live-good"
has "from what was seen" "$out" "which goes on from the 3 records that it had signed by"
has "and only what is new is fetched" "$out" "1 of its 4 records were fetched"
want "and again" 0 chama b audit --live forestry
has "there is nothing new" "$out" "0 of its 4 records were fetched"

want "an address, by one who is no peer" 0 chama c audit --live "https://$(address_of a)"
has "is told the size" "$out" "shows a log of 4 records"
has "and that the rest is withheld" "$out" "the text of 4 of its 4 records is withheld from this node"
want "again" 0 chama c audit --live "https://$(address_of a)" --json
has "it goes on" "$(printf '%s' "$out" | kinds)" "live-good live-withheld"
has "in JSON it is told apart" "$out" '"live": true'
want "a page of it" 0 chama c audit --live "https://$(address_of a)" --report live.html --lang zh
has "says so" "$(cat live.html)" "在线询问"

want "nobody to be asked" 2 chama b audit --live
equal "is refused" "$err" "chama: audit: want the peers or addresses to be asked behind --live, have none"
want "a peer that nobody knows" 1 chama b audit --live nobody
want "an address of another kind" 2 chama b audit --live http://127.0.0.1:1
want "clones and live nodes at once" 2 chama b audit --live forestry --clone a
want "nobody listens" 5 chama b audit --live https://127.0.0.1:1

# A restart of the auditor forgets nothing; a home that was turned back, or another history under the same keys, is found.
stop a
want "a peer that is away" 5 chama b audit --live forestry
has "is named" "$err" "none of those that were to be asked answered"
cp -a a four
start a
chama a publish other v1 --share open >/dev/null 2>&1
want "a fifth record" 0 chama b audit --live forestry
stop a
mv a five && cp -a four a
start a
want "an older state of it" 3 chama b audit --live forestry
has "is a rollback" "$out" "failed: forestry: its owner showed a shorter ledger than it had signed before: evidence is kept"
want "of which is told from then on" 0 chama b audit
has "but it was an old checkpoint, which proves nothing to others" "$out" "warning: forestry: was seen to contradict itself"
chama a publish third v2 --share open >/dev/null 2>&1
want "another fifth record" 3 chama b audit --live forestry
has "is a fork" "$out" "failed: forestry: two histories of this ledger were signed"
chama a publish fourth v2 --share open >/dev/null 2>&1
want "also behind more records" 3 chama b audit --live forestry --json
has "is a fork" "$(printf '%s' "$out" | kinds)" "fork"
has_not "and nothing of it is believed" "$(printf '%s' "$out" | kinds)" "live-"
want "what is kept is evidence" 3 chama b audit
has "and told of from then on" "$out" "failed: forestry: two histories of this ledger were signed"
make_node d Stranger
want "one that saw neither sees nothing wrong" 0 chama d audit --live "https://$(address_of a)"
stop a
rm -rf a && mv five a
start a
want "the true one" 0 chama b audit --live forestry
has "still goes on from what was seen" "$out" "goes on from the 5 records"

want "who saw the other" 3 chama d audit --live "https://$(address_of a)"
has "is shown less than there was" "$out" "its owner showed a shorter ledger"

# A replica that is held: its records are not fetched again, and it counts as seen.
pair a c
chama c sync >/dev/null 2>&1
chama a publish fifth v1 --share open >/dev/null 2>&1
want "what is held" 0 chama c audit --live forestry
has "need not be fetched" "$out" "1 of its 6 records were fetched"
