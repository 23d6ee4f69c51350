#!/bin/sh
# A peer that lies in every way that we thought of: what it sends is refused by name, nothing of it is kept, memory stays flat.
. "$SOURCE/tests/lib.sh"
make_node v Victim
chama v follow '*' >/dev/null
python3 "$SOURCE/tests/e2e/hostile_server.py" "$CHAMA" "$FOLDER" || bad "hostile_server.py ended badly"
