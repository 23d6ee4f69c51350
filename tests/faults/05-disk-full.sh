#!/bin/sh
# needs root (for a small tmpfs)
# publish, sync, get, grant and init when the disk is full: exit 1 with a message that says so, nothing lost, and all of it works once there is room.
. "$SOURCE/tests/lib.sh"

mkdir small
if ! mount -t tmpfs -o size=24m,mode=700 tmpfs small 2>/dev/null; then
    # Not root: a bound on the size of a file is the next best; SIGXFSZ is what the system sends.
    echo "# no tmpfs here: with ulimit -f instead"
    make_node a Forestry
    head -c 8000000 /dev/urandom >large
    (ulimit -f 2000; trap '' XFSZ; "$CHAMA" --home a publish x large) >.out 2>.err
    equal "publish beyond the bound" $? 1
    want "fsck" 0 chama a fsck
    want "publish without the bound" 0 chama a publish x large
    exit
fi
trap 'finish; umount -l "$FOLDER/small"' EXIT

# fill LEFT: all of the small disk but LEFT bytes.
fill() {
    rm -f small/filler
    available=$(df --output=avail -B1 small | tail -n 1)
    head -c $((available - $1)) /dev/zero >small/filler 2>/dev/null
}
# full WHAT COMMAND...: exit 1, one line that says why.
full() {
    what=$1
    shift
    want "$what on a full disk" 1 "$@"
    case $err in *[Nn]"o space left"* | *"disk"*"full"* | *"free"* | *"is full"*) ok "$what: and says so" ;; *) bad "$what: want it to say that the disk is full" "$err" ;; esac
    equal "$what: nothing on stdout" "$out" ""
}

make_node a Forestry
start a
"$CHAMA" --home small/b init --name-en Tourism --listen 127.0.0.1:1 >/dev/null 2>&1
ln -s small/b b
sed -i 's/^#* *reserve = .*/reserve = 0/' b/config.ini
pair a b
mkdir one && head -c 2000000 /dev/urandom >one/x && echo small >one/y
head -c 30000000 /dev/urandom >large
want "publish at the peer" 0 chama a publish one one --share open
want "follow" 0 chama b follow 'forestry/*'
want "sync while there is room" 0 chama b sync
want "publish while there is room" 0 chama b publish own one

full "publish of more than there is room for" chama b publish own large
want "verify" 0 chama b verify
want "fsck" 0 chama b fsck
fill 400000
full "publish" chama b publish own large
want "fsck on a nearly full disk" 0 chama b fsck
want "get elsewhere works on a nearly full disk" 0 chama b get own written
same_tree "and is right" one written
fill 20000
full "publish with nothing left" chama b publish own large
full "ls, for which SQLite needs room" chama b ls
fill 0
"$CHAMA" --home b grant own forestry >.out 2>.err
case $? in 0 | 1) ok "grant with nothing left ends in order" ;; *) bad "grant with nothing left: exit $?" "$(cat .err)" ;; esac
full "get into it" chama b get own small/out
equal "get leaves no temporary files" "$(find small/out -name '.chama*' 2>/dev/null)" ""
full "init in it" "$CHAMA" --home "$FOLDER/small/new" init --name-en New
equal "init leaves nothing" "$(ls -A small | grep new)" ""

want "publish something large at the peer" 0 chama a publish large large --share open
rm -f small/filler
chama b sync forestry >.out 2>.err
status=$? err=$(cat .err)
equal "sync of more than there is room for" "$status" 1
has "says so" "$err" "forestry"
fill 30000
chama b sync forestry >.out 2>.err
case $? in 1) ok "sync on a full disk ends in order" ;; *) bad "sync on a full disk: exit $?" "$(cat .out .err)" ;; esac

rm -f small/filler
rm -rf small/out
want "fsck once there is room" 0 chama b fsck
want "verify once there is room" 0 chama b verify
want "publish once there is room" 0 chama b publish own one/x
want "get once there is room" 0 chama b get own small/out
want "sync of what fits" 0 chama b unfollow 'forestry/*'
want "sync once there is room" 0 chama b sync
want "fsck at the end" 0 chama b fsck
