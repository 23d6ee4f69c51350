# For the tests that cut what goes over SSH: `. "$SOURCE/tests/faults/cuts_ssh.sh"`, after cuts.sh.  Sets user and host as tests/sshd.sh does, or ends the test with a reason.
. "$SOURCE/tests/sshd.sh"

# lead_over_ssh ANSWERER CALLER: sshd, and a person's key that opens one command: to be answered by ANSWERER as CALLER.
lead_over_ssh() {
    mkdir -p user/.ssh
    ssh-keygen -q -t ed25519 -N '' -f host
    ssh-keygen -q -t ed25519 -N '' -f user/.ssh/id_ed25519
    echo "[127.0.0.1]:$(sed 's/.*://' link/address) $(cut -d ' ' -f 1-2 host.pub)" >user/.ssh/known_hosts
    echo "command=\"$CHAMA --home $FOLDER/$1 serve --stdio --as $(chama "$2" id | head -n 1)\",restrict $(cat user/.ssh/id_ed25519.pub)" >authorized
    start_sshd "MaxStartups 200"
    HOME=$FOLDER/user
    export HOME
}
