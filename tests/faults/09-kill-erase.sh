#!/bin/sh
# I2, S19: erase killed (SIGKILL) at moments spread over its duration: either nothing was said and the version is whole, or its tombstone stands, fsck and
# the other versions are good at once, and the next gc leaves nothing of it.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"
export CHAMA_HOME="$FOLDER/a"
versions=24

# Each version changes the table of the one before all over, and has a word that no other has.
make_node a Forestry
mkdir data
for v in $(seq 1 $versions); do
    python3 - "$v" <<'PYTHON'
import random, sys
v = int(sys.argv[1])
random.seed(5)
rows = ["%d,station-%d,%d" % (i, i * 7919 % 500, random.getrandbits(40)) for i in range(60000)]
for w in range(1, v + 1):
    for i in range(w, 60000, 97):
        rows[i] = "%d,changed-in-%d,%d" % (i, w, i * w)
rows[50] = "only-in-%d-end" % v
open("data/table.csv", "w").write("\n".join(rows))
PYTHON
    "$CHAMA" publish data data --share conditional >/dev/null 2>&1 || bad "publish $v"
done

lies() { python3 "$SOURCE/tests/interop/words.py" "$FOLDER/a" "$1"; }
equal "all are there" "$(lies only-in-3-end)" 1
began=$(milliseconds)
want "an undisturbed erase, measured" 0 "$CHAMA" erase data@1 --reason x --yes --json
duration=$(($(milliseconds) - began))
[ "$(printf '%s\n' "$out" | sed -n 's/.*"made_whole": //p' | tr -d ,)" -gt 0 ] && ok "others were stored against it" || bad "nothing was stored against it" "$out"
echo "# erase takes $duration ms"

n=1 stated=0 interrupted=0
moments $((versions - 1)) "$duration" >moments
for moment in $(cat moments); do
    n=$((n + 1))
    [ "$n" -lt "$versions" ] || break
    killed "$moment" "$CHAMA" erase "data@$n" --reason x --yes
    [ "$status" -eq 137 ] && interrupted=$((interrupted + 1))
    "$CHAMA" fsck >.fsck 2>&1 || bad "fsck after kill $n at $moment" "$(cat .fsck)"
    "$CHAMA" verify data >.verify 2>&1 || bad "verify after kill $n at $moment" "$(cat .verify)"
    if grep -q "^data@$n: good" .verify; then continue; fi
    grep -q "^data@$n: erased" .verify || bad "after kill $n at $moment data@$n is neither whole nor erased" "$(cat .verify)"
    stated=$((stated + 1))
    "$CHAMA" gc >.gc 2>&1 || bad "gc after kill $n at $moment" "$(cat .gc)"
    [ "$(lies "only-in-$n-end")" = 0 ] || bad "after kill $n at $moment and gc, data@$n still lies in the store"
    "$CHAMA" fsck >.fsck 2>&1 || bad "fsck after kill $n at $moment and gc" "$(cat .fsck)"
done
ok "erase killed $n times: $interrupted interrupted, $stated had stated it"
[ "$interrupted" -gt 0 ] && [ "$stated" -gt 0 ] && ok "some of each" || bad "some of each"
want "the last version is whole" 0 "$CHAMA" get "data@$versions" last
same_tree "as it was published" data last
want "the second reader finds the home whole" 0 python3 "$SOURCE/tests/interop/reader.py" "$FOLDER/a"
