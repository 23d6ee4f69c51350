#!/bin/sh
# One transfer, cut again and again: CHAMA_CUTS cuts (8 if it is not set) at random bytes in either direction, and kills of the receiver between them.  What came stays, nothing is
# fetched twice, and in the end all is here, verified, with one delivery and one receipt of each version.  Over SSH, by OpenSSH's sshd.
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
. "$SOURCE/tests/faults/cuts.sh"

user=$(id -un)
case $(getent passwd "$user") in */nologin | */false) echo "ok - skipped: $user has no shell"; exit 0 ;; esac
[ -x /usr/sbin/sshd ] || { echo "ok - skipped: no sshd"; exit 0; }
sshd_port=$(port)

nodes_ssh() {
    make_node a Forestry --url "ssh://$user@$(cat link/address)"
    make_node b Tourism
}
server_ssh() { echo "127.0.0.1:$sshd_port"; }

# The key of the receiver's person opens one command: to be answered as the receiver.
prepare_ssh() {
    mkdir -p user/.ssh /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f host
    ssh-keygen -q -t ed25519 -N '' -f user/.ssh/id_ed25519
    echo "[127.0.0.1]:$(sed 's/.*://' link/address) $(cut -d ' ' -f 1-2 host.pub)" >user/.ssh/known_hosts
    echo "command=\"$CHAMA --home $FOLDER/a serve --stdio --as $(chama b id | head -n 1)\",restrict $(cat user/.ssh/id_ed25519.pub)" >authorized
    cat >sshd_config <<END
Port $sshd_port
ListenAddress 127.0.0.1
HostKey $FOLDER/host
AuthorizedKeysFile $FOLDER/authorized
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
MaxStartups 200
END
    /usr/sbin/sshd -D -q -f "$FOLDER/sshd_config" &
    servers="$servers $!"
    HOME=$FOLDER/user
    export HOME
}

cuts ssh
