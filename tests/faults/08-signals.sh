#!/bin/sh
# Ctrl-C (SIGINT) in the middle of publish, sync, get; SIGTERM to the daemon with transfers under way; several publishes at once; gc beside them.
. "$SOURCE/tests/lib.sh"
. "$SOURCE/tests/faults/kill.sh"

# interrupted MOMENT COMMAND...: SIGINT after so many seconds; the exit status is the command's own.  (A shell starts what runs in the background with
# SIGINT ignored: timeout(1) does not; with --foreground it sends one signal, not two, of which the second would end the program at once.)
interrupted() {
    moment=$1
    shift
    timeout --foreground --preserve-status -s INT "$moment" "$@" >"$FOLDER/.out" 2>"$FOLDER/.err"
    status=$?
    out=$(cat "$FOLDER/.out") err=$(cat "$FOLDER/.err")
}
# temporary: what a command that ended in order has no business to leave behind.
temporary() { find "$@" \( -name '*.tmp-*' -o -name '.chama*' -o -name '*_git2_*' \) ! -name .chamaignore; }

make_node a Forestry
make_node b Tourism
start a
pair a b
want "follow" 0 chama b follow 'forestry/*'
mkdir -p data/deep
head -c 40000000 /dev/urandom >data/large
for i in $(seq 500); do echo "$i" >"data/deep/$i"; done

# check WHAT: after SIGINT at $moment the exit is 1 with one clear line, or the command was done.
hit=0
check() {
    case $status in
    0) ;;
    1)
        hit=$((hit + 1))
        if [ "$(printf '%s\n' "$err" | grep -c '^chama: ')" -lt 1 ]; then bad "$1 interrupted at $moment: want a message" "$err"; fi
        ;;
    130) early=$((early + 1)) ;; # before it began to work: the default of the system, nothing was begun
    *) bad "$1 interrupted at $moment: want exit 1 (or 0, or 130), have $status" "$err" ;;
    esac
}

early=0
for moment in $(moments 12 500); do
    head -c 30000000 /dev/urandom >data/large
    interrupted "$moment" "$CHAMA" --home a publish data data --share open
    check publish
done
[ $((hit + early)) -ge 1 ] && ok "$hit of 12 publishes were interrupted at work" || bad "none of 12 publishes was interrupted"
equal "publish leaves no temporary files" "$(temporary a data)" ""
want "publish after that" 0 chama a publish data data --share open
want "fsck" 0 chama a fsck

hit=0 early=0
for moment in $(moments 12 300); do
    interrupted "$moment" "$CHAMA" --home b sync
    check sync
    head -c 30000000 /dev/urandom >data/large
    chama a publish data data >/dev/null 2>&1 || bad "publish"
done
[ $((hit + early)) -ge 1 ] && ok "$hit of 12 syncs were interrupted at work" || bad "none of 12 syncs was interrupted"
equal "sync leaves no temporary files" "$(temporary b)" ""
want "sync after that" 0 chama b sync
want "fsck of the receiver" 0 chama b fsck

hit=0 early=0
for moment in $(moments 12 250); do
    rm -rf out
    interrupted "$moment" "$CHAMA" --home b get forestry/data out
    check get
    if [ -e out ]; then
        equal "get at $moment leaves no temporary files" "$(find out -name '.chama*' -o -name '*.tmp*')" ""
        chama b get forestry/data out >.out 2>.err || bad "get after one that was interrupted at $moment" "$(cat .err)"
        diff -r data out >.diff 2>&1 || bad "the files after get was interrupted at $moment" "$(head .diff)"
    fi
done
[ $((hit + early)) -ge 1 ] && ok "$hit of 12 gets were interrupted at work" || bad "none of 12 gets was interrupted"

# kill -9 in the middle of get: nothing that is not whole has its place, and the next get makes it right.
hit=0
for moment in $(moments 12 250); do
    rm -rf out
    killed "$moment" "$CHAMA" --home b get forestry/data out
    [ "$status" -eq 0 ] || hit=$((hit + 1))
    [ -e out ] || continue
    for found in $(cd out && find . -name '.chama*' -prune -o -type f -print); do
        cmp -s "out/$found" "data/$found" || bad "get killed at $moment: $found is not whole"
    done
    chama b get forestry/data out >.out 2>.err || bad "get after one that was killed at $moment" "$(cat .err)"
    diff -r data out >.diff 2>&1 || bad "the files after get was killed at $moment" "$(head .diff)"
    equal "get after a kill at $moment leaves no temporary files" "$(find out -name '.chama*')" ""
done
[ $hit -ge 1 ] && ok "$hit of 12 gets were killed at work" || bad "none of 12 gets was killed"

# SIGTERM with transfers under way: exit 0 soon, also on a loaded machine.
head -c 150000000 /dev/urandom >data/large
want "publish something large" 0 chama a publish data data
for _ in 1 2 3; do
    chama b sync >sync.out 2>sync.err &
    receiver=$!
    sleep 0.25
    began=$(milliseconds)
    kill -TERM "$(cat a.pid)"
    wait "$(cat a.pid)"
    status=$?
    took=$(($(milliseconds) - began))
    equal "SIGTERM: the daemon exits 0" "$status" 0
    [ "$took" -lt 10000 ] && ok "soon ($took ms)" || bad "it took $took ms to stop"
    wait "$receiver"
    case $? in 0 | 1 | 5) ok "the receiver ends in order" ;; *) bad "the receiver" "$(cat sync.err)" ;; esac
    rm -f a.log
    start a
done
want "the sync that completes it" 0 chama b sync
want "verify" 0 chama b verify forestry/data

# Two publishes at once: of different datasets, and of one.
mkdir one two
head -c 3000000 /dev/urandom >one/x && head -c 3000000 /dev/urandom >two/x
for round in 1 2 3; do
    echo "$round" >one/round && echo "$round" >two/round
    chama a publish one one >o1 2>&1 & p1=$!
    chama a publish two two >o2 2>&1 & p2=$!
    chama a publish both one >o3 2>&1 & p3=$!
    chama a publish both two >o4 2>&1 & p4=$!
    for p in $p1 $p2 $p3 $p4; do wait "$p" || bad "publishes at once, round $round" "$(cat o1 o2 o3 o4)"; done
done
equal "each publish made a version: one" "$(chama a log one | grep -c '^one@')" 3
equal "each publish made a version: two" "$(chama a log two | grep -c '^two@')" 3
equal "each publish made a version: both" "$(chama a log both | grep -c '^both@')" 6
want "verify all" 0 chama a verify
want "fsck" 0 chama a fsck

# gc beside publish, get and sync.
( while [ ! -e stop ]; do chama a gc >>gc.out 2>>gc.err || echo FAILED >>gc.failed; done ) &
collector=$!
for round in $(seq 12); do
    echo "$round" >>one/round
    head -c 500000 /dev/urandom >two/new
    chama a publish one one >.out 2>.err || bad "publish beside gc" "$(cat .err)"
    chama a publish two two >.out 2>.err || bad "publish beside gc" "$(cat .err)"
    chama a drop "two@$((round + 2))" >.out 2>.err || bad "drop beside gc" "$(cat .err)"
    chama a get one out-one >.out 2>.err || bad "get beside gc" "$(cat .err)"
    chama b sync >.out 2>.err || bad "sync beside gc" "$(cat .err)"
done
touch stop
wait "$collector"
[ ! -e gc.failed ] && ok "gc works beside them" || bad "gc beside publish" "$(tail -n 5 gc.err)"
same_tree "what get wrote is right" one out-one
want "nothing was lost" 0 chama a verify
want "fsck" 0 chama a fsck
want "nothing was lost at the receiver" 0 chama b verify
