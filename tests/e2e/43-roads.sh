#!/bin/sh
# Three roads chained: A to B on a disk, B to C over SSH, C to D over HTTPS.  A and D never meet; D proves what A did.
# needs root: sshd runs commands with the shell of its user, and an ordinary one of tests has none
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/sshd.sh"
mkdir person && ssh-keygen -q -t ed25519 -N '' -C '' -f person/key && ssh-keygen -q -t ed25519 -N '' -C '' -f host
make_node a Forestry
make_node b Tourism --url "ssh://$user@$host"
make_node c Customs
make_node d Audit
id_a=$(chama a id | head -n 1) id_c=$(chama c id | head -n 1)
echo "command=\"$CHAMA --home $FOLDER/b serve --stdio --as $id_c\",restrict $(cat person/key.pub)" >authorized
echo "[$(echo "$host" | sed 's/:/]:/') $(cat host.pub)" >c/known_hosts
sed -i "s|^key =.*|key = $FOLDER/person/key|" c/config.ini
start_sshd

mkdir -p 林地/昆明 && seq 60000 >林地/昆明/2026.csv && head -c 700000 /dev/urandom >林地/scan
chama a publish cover 林地 --share open >/dev/null 2>&1

# On a disk.  Only who is known is told the whole ledger: B says who it is on a disk, too.
pair a b
want "B says on a disk who it is" 0 chama b bundle create b.tar
want "A takes it" 0 chama a bundle apply b.tar
want "A writes a disk for B" 0 chama a bundle create disk.tar cover --for tourism
want "B takes it" 0 chama b bundle apply disk.tar
has "all of it" "$out" "1 of its 1 versions held"

# Over SSH.
pair b c
chama c follow "*/cover" >/dev/null 2>&1
chama b peer ls --json >/dev/null
want "C syncs with B over SSH" 0 chama c sync --batch tourism
want "C holds what A published" 0 chama c verify

# Over HTTPS.
start c
pair c d
chama d follow "*/cover" >/dev/null 2>&1
want "D syncs with C over HTTPS" 0 chama d sync customs
version=$(chama d ls | sed -n 's/ .*//p' | grep cover)
want "D verifies what A published" 0 chama d verify "$version"
want "D has it" 0 chama d get "$version" got
same_tree "as it was" 林地 got
want "D audits A's ledger" 0 chama d audit "$id_a"
want "A hands over a proof" 0 chama a prove cover
printf '%s\n' "$out" >a.proof
want "D checks it against the content that it got" 0 chama d check a.proof --content got
want "D hands over a proof of it, too" 0 chama d prove "$version"
printf '%s\n' "$out" >d.proof
want "which a machine without a node checks" 0 "$CHAMA" --home "$FOLDER/none" check d.proof --content got
has "as A's" "$out" "$id_a"
echo x >>got/scan
want "but not with another content" 3 "$CHAMA" --home "$FOLDER/none" check d.proof --content got

# Each road goes on: a second version arrives by the same three, and little of it travels.
echo 60001 >>林地/昆明/2026.csv
chama a publish cover 林地 --share open >/dev/null 2>&1
want "the next disk" 0 chama a bundle create next.tar cover --since disk.tar
[ "$(stat -c %s next.tar)" -lt 400000 ] && ok "holds only what is new" || bad "holds only what is new" "$(stat -c %s next.tar)"
want "to B" 0 chama b bundle apply next.tar
want "to C" 0 chama c sync --batch tourism
want "to D" 0 chama d sync customs
chama d get "$version" got --force >/dev/null 2>&1
same_tree "D has the second version" 林地 got

# A disk that was edited on its way.
echo 60002 >>林地/昆明/2026.csv
chama a publish cover 林地 --share open >/dev/null 2>&1
chama a bundle create third.tar cover@3 --since next.tar >/dev/null 2>&1
python3 - <<'PY'
import tarfile
data = bytearray(open("third.tar", "rb").read())
for member in tarfile.open("third.tar"):
    if "/data/001-" in member.name:
        data[member.offset_data + member.size // 2] ^= 1
open("third.tar", "wb").write(data)
PY
chama b bundle apply third.tar >.out 2>&1
status=$?
[ "$status" -ne 0 ] && ok "an edited disk is refused" || bad "an edited disk is refused" "$(cat .out)"
want "B stays good" 0 chama b verify
want "and whole" 0 chama b fsck
