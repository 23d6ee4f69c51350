#!/bin/sh
# A push, cut again and again: CHAMA_CUTS cuts (8 if it is not set) at random bytes in either direction, and kills of the pusher between them.  What came stays, and in the end all is
# here, verified, with one delivery and one receipt of each version.  The receiver cannot dial over the link; it dials the sender elsewhere to tell what is still to come.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
. "$SOURCE/tests/faults/cuts.sh"
. "$SOURCE/tests/faults/cuts_push.sh"

nodes_push() {
    make_node a Forestry
    make_node b Tourism --url "https://$(cat link/address)"
}
prepare_push() { :; }
server_push() { address_of b; }

cuts push up
