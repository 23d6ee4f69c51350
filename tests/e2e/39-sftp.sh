#!/bin/sh
# Bundles left over SFTP, at OpenSSH's server: whole or not at all, gone on with after a cut; keys that are bound to something else.
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/sshd.sh"

# key NAME COMMAND: a person's folder NAME with a key that the server takes for that command alone.
key() {
    mkdir -p "$1/.ssh" && ssh-keygen -q -t ed25519 -N '' -C '' -f "$1/.ssh/id_ed25519"
    echo "command=\"$2\",restrict $(cat "$1/.ssh/id_ed25519.pub")" >>authorized
    echo "[127.0.0.1]:${host#*:} $(cat host.pub)" >"$1/.ssh/known_hosts"
}
as() {
    person=$1
    shift
    HOME=$FOLDER/$person chama "$@"
}

mkdir data there && head -c 9000000 /dev/urandom >data/noise
make_node a Forestry
make_node b Tourism
ssh-keygen -q -t ed25519 -N '' -C '' -f host
key sftp internal-sftp
key talks 'echo Welcome; exec cat'
key cut "exec python3 $FOLDER/cut.py"
cat >cut.py <<'PY'
import os
import signal
import subprocess

server = subprocess.Popen(["/usr/lib/openssh/sftp-server"], stdin=subprocess.PIPE)
left = 3000000
while left > 0:
    data = os.read(0, min(left, 65536))
    if not data:
        break
    os.write(server.stdin.fileno(), data)
    left -= len(data)
if left == 0:
    os.kill(os.getppid(), signal.SIGKILL)
server.kill()
PY
start_sshd "Subsystem sftp internal-sftp"
place=sftp://$user@$host$FOLDER/there

chama a publish noise data --share open >/dev/null
want "a key that runs another program" 5 as talks a push --batch "$place"
has "is told from SFTP" "$err" "$place: SH7: want a server that speaks SFTP, have one that does not; if \`command=\` stands before this key in authorized_keys"
equal "nothing is left" "$(ls -A there) $(ls a/outbox 2>/dev/null)" " "

# Cut in the midst: this key's command ends the server's process for the connection once 3 MB have come.
as cut a push --batch "$place" noise --volumes 1M >cut.out 2>cut.err
equal "a push that is cut" "$?" 5
has "says how it goes on" "$(cat cut.err)" "the same command goes on with it"
equal "with some of it there, under no name of a bundle" "$(ls -A there | grep -c '^\..*part$') $(ls there | wc -l)" "1 0"
want "the same again" 0 as sftp a push --batch "$place" noise --volumes 1M
equal "leaves nothing half" "$(ls -A there | grep -c part)" 0
equal "and nothing twice" "$(ls there | wc -l)" 2
# shellcheck disable=SC2046
want "what is there" 0 chama b bundle apply $(ls there/*.tar)
has "is whole" "$out" "1 of its 1 versions held"
want "the same again, on purpose" 0 as sftp a push --batch "$place" noise --volumes 1M
equal "is left anew" "$(ls there | wc -l)" 4
