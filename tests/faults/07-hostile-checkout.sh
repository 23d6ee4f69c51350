#!/bin/sh
# I7: get writes only below its target folder, whatever lies there already and whoever changes it meanwhile.
. "$SOURCE/tests/lib.sh"

make_node a Forestry
mkdir -p data/folder/deep outside
for i in $(seq 300); do echo "$i" >"data/folder/$i"; done
echo deep >data/folder/deep/file
echo top >data/top
ln -s folder/1 data/link
echo untouched >outside/canary
want "publish" 0 chama a publish data data --share open
echo changed >data/folder/deep/file && echo new >data/folder/new
want "publish the next version" 0 chama a publish data data
outside() { find outside -printf '%p %y %m %s %T@\n' | sort; }
before=$(outside)
untouched() { equal "$1: nothing outside was touched" "$(outside)" "$before"; }

# planted WHAT ARGUMENTS...: get over what was planted is refused, or puts it right; never does it follow it.
planted() {
    what=$1
    shift
    chama a get data target "$@" >.out 2>.err
    status=$?
    case $status in
    0) same_tree "$what: the files are right" data target ;;
    1 | 3) ok "$what: refused: $(head -n 1 .err | cut -c1-100)" ;;
    *) bad "$what: exit $status" "$(cat .err)" ;;
    esac
    untouched "$what"
}
anew() { rm -rf target && mkdir target; }

anew && ln -s ../outside target/folder
planted "a folder is a link to outside"
anew && ln -s ../outside target/folder
planted "a folder is a link to outside, --force" --force
anew && ln -s "$FOLDER/outside/canary" target/top
planted "a file is a link to outside"
anew && ln -s "$FOLDER/outside/canary" target/top
planted "a file is a link to outside, --force" --force
anew && ln -s ../outside/new target/top
planted "a file is a link that dangles" --force
anew && mkdir target/folder && ln -s ../../outside target/folder/deep
planted "a folder below is a link to outside" --force
anew && ln "$FOLDER/outside/canary" target/top 2>/dev/null
planted "a file is a hard link to outside" --force
anew && mkfifo target/top
planted "a file is a FIFO" --force
anew && mkdir target/top && echo x >target/top/x
planted "a file is a folder that holds something" --force
anew && echo x >target/folder
planted "a folder is a file"
anew && ln -s .. target/link
planted "a link leads elsewhere" --force

# An update over a checkout in which a folder was replaced by a link to outside.
anew && want "get of the first version" 0 chama a get data@1 target
rm -rf target/folder/deep && ln -s ../../outside target/folder/deep && echo deep >outside/file && before=$(outside)
planted "an update through a link to outside"
planted "an update through a link to outside, --force" --force
rm outside/file && before=$(outside)

# Removal, too, stays inside: the next version has no folder.
mkdir flat && echo top >flat/top
anew && want "get" 0 chama a get data target
want "publish a version without the folder" 0 chama a publish data flat
for name in $(seq 300); do echo "$name" >"outside/$name"; done
before=$(outside)
rm -rf target/folder && ln -s ../outside target/folder
chama a get data target >.out 2>.err
untouched "removal through a link to outside"
chama a get data target --force >.out 2>.err
untouched "removal through a link to outside, --force"
rm -f outside/[0-9]*
want "publish the folder again" 0 chama a publish data data
before=$(outside)

# The target itself.
rm -rf target && echo x >target
want "the target is a file" 1 chama a get data target
has "is named" "$err" target
equal "and stays" "$(cat target)" x
rm -f target && mkdir elsewhere && ln -s elsewhere target
want "the target is a link to a folder" 0 chama a get data target
same_tree "which is the folder meant" data elsewhere
rm -f target
mkdir target && chmod 555 target
if [ "$(id -u)" -ne 0 ]; then
    want "the target is read-only" 1 chama a get data target
    has "says so" "$err" "ermission"
fi
chmod 755 target
ln -sfn nowhere gone
chama a get data gone >.out 2>.err
case $? in 0 | 1) ok "the target is a link that dangles: ends in order" ;; *) bad "the target is a link that dangles" "$(cat .err)" ;; esac

# Names that differ only by case are different files here.
mkdir cases && echo 1 >cases/Name && echo 2 >cases/name && mkdir cases/FOLDER cases/folder && echo 3 >cases/FOLDER/x && echo 4 >cases/folder/x
want "publish names that differ by case" 0 chama a publish cases cases
want "get them" 0 chama a get cases cases-out
same_tree "each is a file of its own" cases cases-out

# Someone swaps a folder for a link to outside, again and again, while get writes.
before=$(outside)
( while [ ! -e stop ]; do
    mv target/folder target/aside 2>/dev/null && ln -s ../outside target/folder 2>/dev/null
    rm -f target/folder 2>/dev/null
    mv target/aside target/folder 2>/dev/null || rm -rf target/aside
done ) 2>/dev/null &
swapper=$!
for _ in $(seq 25); do
    chama a get data target --force >.out 2>.err
    case $? in 0 | 1 | 3) ;; *) bad "get beside a swapper" "$(cat .err)" ;; esac
    rm -rf target/folder/[0-9]*
done
touch stop
wait "$swapper"
untouched "a folder swapped for a link while get writes"
anew && want "get at the end" 0 chama a get data target
same_tree "is right" data target
want "fsck" 0 chama a fsck
