# For the tests that need OpenSSH's server: `. "$SOURCE/tests/sshd.sh"`, after tests/lib.sh, by tests that are marked "needs root".  Sets user and host, or ends the test with a reason.
# The test makes the host's key, $FOLDER/host, and the file $FOLDER/authorized, then calls start_sshd.
user=$(id -un)
case $(getent passwd "$user") in */nologin | */false) echo "ok - skipped: $user has no shell"; exit 0 ;; esac
[ -x /usr/sbin/sshd ] || { echo "ok - skipped: no sshd"; exit 0; }
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
unset SSH_AUTH_SOCK
host=127.0.0.1:$(port)

# start_sshd [LINE]: with one more line of configuration; waits until it answers, and leaves its key in .scan.
start_sshd() {
    cat >sshd_config <<END
Port ${host#*:}
ListenAddress 127.0.0.1
HostKey $FOLDER/host
AuthorizedKeysFile $FOLDER/authorized
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
${1:-}
END
    /usr/sbin/sshd -D -q -f "$FOLDER/sshd_config" &
    servers="$servers $!"
    for _ in $(seq 100); do
        ssh-keyscan -T 1 -p "${host#*:}" 127.0.0.1 >.scan 2>/dev/null && [ -s .scan ] && return 0
        sleep 0.05
    done
    bad "sshd does not answer"
}
