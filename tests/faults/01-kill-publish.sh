#!/bin/sh
# I2: publish, grant and drop killed (SIGKILL) at moments spread over their duration: what was reported as done is there, what was not done harms
# nothing, and the next command just works.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
export CHAMA_HOME="$FOLDER/a"

python3 - <<'PYTHON'
import os, random
random.seed(1)
for i in range(3000):
    os.makedirs("data/%02d" % (i % 50), exist_ok=True)
    with open("data/%02d/%04d.csv" % (i % 50, i), "wb") as f:
        f.write(b"".join(b"%d,%d,%d\n" % (i, j, random.getrandbits(40)) for j in range(30)))
for i in range(3):
    with open("data/large%d" % i, "wb") as f:
        f.write(random.randbytes(2 << 20))
PYTHON

# change N: some files are new content, a large one changes in its middle, so that each attempt has bytes to store.
change() {
    for file in 1 2 3 4 5 6 7 8; do echo "$1,$file" >"data/0$file/changed.csv"; done
    openssl rand 400000 | dd of="data/large$(($1 % 3))" bs=64k seek=$(($1 % 20)) conv=notrunc status=none
}

make_node a Forestry
make_node b Tourism
chama a peer add "$(chama b invite 2>/dev/null)" >/dev/null || bad "a adds b"
want "the first version" 0 "$CHAMA" publish data data --share open
printf '%s\n' "$out" | grep '^data@' >done
change 100000
began=$(milliseconds)
want "an undisturbed publish, measured" 0 "$CHAMA" publish data data
duration=$(($(milliseconds) - began))
printf '%s\n' "$out" | grep '^data@' >>done
echo "# publish takes $duration ms"

# check_done: every version whose line was printed is there under that very address, and in the ledger.
check_done() {
    "$CHAMA" log --json data >log.json 2>.err || { bad "log after kill $n at $moment" "$(cat .err)"; return; }
    python3 - <<'PYTHON' || bad "after kill $n at $moment: a version that was reported is not there"
import json, sys
have = {"data@%d %s" % (v["version"], v["address"]) for v in json.load(open("log.json"))}
lost = [line for line in open("done").read().split("\n") if line and line not in have]
for line in lost:
    print(line)
sys.exit(1 if lost else 0)
PYTHON
}

n=0 interrupted=0 lost=$(grep -c . done)
moments 100 "$duration" >moments
for moment in $(cat moments); do
    n=$((n + 1))
    change "$n"
    killed "$moment" "$CHAMA" publish data data
    printf '%s\n' "$out" | grep '^data@' >>done
    case $status in
    137) interrupted=$((interrupted + 1)) ;;
    0) ;;
    *) bad "publish $n: want it killed or done, have exit $status" "$err" ;;
    esac
    check_done
    if [ $((n % 10)) -eq 0 ]; then
        want "fsck after kill $n" 0 "$CHAMA" fsck
        want "the publish completes after kill $n" 0 "$CHAMA" publish data data
        printf '%s\n' "$out" | grep '^data@' >>done
        want "the first and the newest version verify after kill $n" 0 "$CHAMA" verify data@1
        want "the newest version verifies after kill $n" 0 "$CHAMA" verify "$(tail -n 1 done | cut -d' ' -f1)"
    fi
done
echo "# $interrupted of $n were killed, the others were done before"
# How many hit depends on how loaded the machine is; none would prove nothing.
[ "$interrupted" -ge 10 ] && ok "kills hit" || bad "only $interrupted of $n kills hit"
check_done
ok "$(grep -c . done) versions were reported, and checked after each kill"

want "publish after all kills" 0 "$CHAMA" publish data data
want "the newest version can be written" 0 "$CHAMA" get data written
same_tree "and is the folder" data written
newest=$("$CHAMA" publish data data 2>/dev/null)
has "and publishing it again finds nothing changed" "$newest" "nothing changed"

# Statements: what is sealed is written before its record.
began=$(milliseconds)
want "a grant, measured" 0 "$CHAMA" grant data "$(chama b id | head -n 1)"
duration=$(($(milliseconds) - began))
for moment in $(moments 20 "$duration"); do
    killed "$moment" "$CHAMA" grant data "$(chama b id | head -n 1)"
    "$CHAMA" grants >.out 2>.err || bad "grants after a kill at $moment" "$(cat .err)"
done
want "revoke" 0 "$CHAMA" revoke data "$(chama b id | head -n 1)"
want "no grant is in force" 0 "$CHAMA" grants
want "fsck after killed grants" 0 "$CHAMA" fsck

# init: all or nothing.
began=$(milliseconds)
want "init, measured" 0 "$CHAMA" --home "$FOLDER/new" init --name-en New
duration=$(($(milliseconds) - began))
rm -rf new
for moment in $(moments 20 "$duration"); do
    killed "$moment" "$CHAMA" --home "$FOLDER/new" init --name-en New
    if [ -e new ]; then
        "$CHAMA" --home "$FOLDER/new" fsck >.out 2>&1 || bad "fsck of a node whose init was killed at $moment" "$(cat .out)"
        rm -rf new
    fi
done
want "init after killed ones" 0 "$CHAMA" --home "$FOLDER/new" init --name-en New

want "drop of the old versions" 0 "$CHAMA" drop data@1
for moment in $(moments 20 150); do
    killed "$moment" "$CHAMA" gc
done
want "gc after killed ones" 0 "$CHAMA" gc
equal "what publishes that died had reserved is let go of" "$(sqlite3 a/state.sqlite 'SELECT count(*) FROM held')" $(($("$CHAMA" log data | grep -c '^data@') - 1))
want "fsck at the end" 0 "$CHAMA" fsck
want "verify at the end" 0 "$CHAMA" verify
# Temporary files of those who were killed go with the next gc, once nobody can be at work on them.
find a -name '*.tmp-??????' -exec touch -d '2 hours ago' {} +
want "gc of a" 0 chama a gc
left=$(find a -name '*.tmp-*' -o -name '*_git2_*' -o -name '*.lock' -path '*refs*')
equal "no temporary files are left" "$left" ""
