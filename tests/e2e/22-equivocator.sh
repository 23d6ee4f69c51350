#!/bin/sh
# A node of a foreign make that equivocates in ways that the program itself cannot: offers that are not kept, open parts alone, floods and replays of evidence.
. "$SOURCE/tests/lib.sh"
for node in v w; do make_node $node $node; done
for node in v w; do start $node; done
pair v w
for node in v w; do stop $node; done
export SOURCE
python3 "$SOURCE/tests/e2e/equivocator.py" "$CHAMA" "$FOLDER" || bad "equivocator.py ended badly"
