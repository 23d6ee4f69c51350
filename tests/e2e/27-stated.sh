#!/bin/sh
# chama audit: what peers state that no honest program would, and every verdict of a lineage: each is found, by its kind and words, and only what is a failure fails.
. "$SOURCE/tests/lib.sh"
make_node v Auditor
python3 "$SOURCE/tests/e2e/hostile_audit.py" "$CHAMA" "$FOLDER" || bad "hostile_audit.py ended badly"
