#!/bin/sh
# As 11-cuts-push.sh, over SSH, by OpenSSH's sshd: one connection in place of two, and a process at the receiver for each (4 cuts if CHAMA_CUTS is not set).
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
CHAMA_CUTS=${CHAMA_CUTS:-4}
. "$SOURCE/tests/faults/cuts.sh"
. "$SOURCE/tests/faults/cuts_ssh.sh"
. "$SOURCE/tests/faults/cuts_push.sh"

nodes_push_ssh() {
    make_node a Forestry
    make_node b Tourism --url "ssh://$user@$(cat link/address)"
}
prepare_push_ssh() { lead_over_ssh b a; }
server_push_ssh() { echo "$host"; }

cuts push_ssh up
