#!/bin/sh
# Callers who mean harm: odd addresses, bodies and heads, smuggled requests, other names, slow readers.  The node answers by rule and goes on.
. "$SOURCE/tests/lib.sh"
make_node v Victim
mkdir data && head -c 3000000 /dev/urandom >data/random
chama v publish open data --share open >/dev/null
chama v publish secret data --share conditional >/dev/null
manifest() { chama v show "$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["address"][7:])'; }
start v
python3 "$SOURCE/tests/e2e/hostile_client.py" "$(address_of v)" "$(chama v id | head -n 1)" "$(manifest open)" "$(manifest secret)" "$(cat v.pid)" "$FOLDER" ||
    bad "hostile_client.py ended badly"
want "the node still knows what it may" 0 chama v status
if [ "$(sqlite3 v/state.sqlite 'SELECT count(*) FROM peers WHERE status = 1')" -le 30 ]; then ok "P4: at most 30 strangers a minute"; else bad "P4: at most 30 strangers a minute"; fi
stop v
want "fsck" 0 chama v fsck
