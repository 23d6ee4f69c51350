#!/bin/sh
# One transfer, cut again and again: CHAMA_CUTS cuts (8 if it is not set) at random bytes in either direction, and kills of the receiver between them.  What came stays, nothing is
# fetched twice, and in the end all is here, verified, with one delivery and one receipt of each version.  Over HTTPS.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
. "$SOURCE/tests/faults/cuts.sh"

nodes_https() {
    make_node a Forestry --url "https://$(cat link/address)"
    make_node b Tourism
}
prepare_https() { :; }
server_https() { address_of a; }

cuts https
