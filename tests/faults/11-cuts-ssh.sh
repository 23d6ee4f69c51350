#!/bin/sh
# One transfer, cut again and again: CHAMA_CUTS cuts (8 if it is not set) at random bytes in either direction, and kills of the receiver between them.  What came stays, nothing is
# fetched twice, and in the end all is here, verified, with one delivery and one receipt of each version.  Over SSH, by OpenSSH's sshd.
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
. "$SOURCE/tests/faults/cuts.sh"
. "$SOURCE/tests/faults/cuts_ssh.sh"

nodes_ssh() {
    make_node a Forestry --url "ssh://$user@$(cat link/address)"
    make_node b Tourism
}
prepare_ssh() { lead_over_ssh a b; }
server_ssh() { echo "$host"; }

cuts ssh
