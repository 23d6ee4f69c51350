#!/bin/sh
# Drop boxes: a daemon's inbox and outbox between two nodes that never see each other's network; bad files, strange files, a full outbox, kills.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
make_node b Tourism
pair a b
mkdir between back data
printf '1,2\n' >data/林地.csv
head -c 600000 /dev/urandom >data/large
want "publish" 0 chama a publish cover data --share open
want "publish what b may have" 0 chama a publish secret data/large --share conditional
want "grant" 0 chama a grant secret tourism
want "publish what b may not have" 0 chama a publish private data/large --share none
# a's ledger reaches b once by hand, so that b knows to whom it encrypts; and b's reaches a.
want "a bundle of b's ledger" 0 chama b bundle create first.tar
want "is applied" 0 chama a bundle apply first.tar
box() {
    printf '\n[dropbox]\n' >>"$1/config.ini"
    shift
    for line in "$@"; do printf '%s\n' "$line"; done
}
box a "outbox = tourism:$FOLDER/between" "outbox-interval = 1" "interval = 1" "outbox-files = 3" >>a/config.ini
box b "inbox = $FOLDER/between" "interval = 1" "settle = 0" "keep-count = 30" >>b/config.ini
# until WHAT COMMAND...: within some seconds.
until_true() {
    what=$1
    shift
    for _ in $(seq 150); do "$@" >/dev/null 2>&1 && { ok "$what"; return; }; sleep 0.1; done
    bad "$what" "$(tail -n 5 a.log b.log 2>&1)"
}
count() { ls "$1" 2>/dev/null | wc -l; }
at_least() { [ "$(count "$1")" -ge "$2" ]; }
none_left() { [ "$(ls between | grep -c 'tar$')" -eq 0 ] && [ "$(count between/taking)" -eq 0 ]; }

start a
until_true "the outbox leaves a bundle" at_least between 1
equal "whole, under one name, and nothing else" "$(ls -A between | grep -vc '^2.*Z-[0-9a-f]*\.001\.tar$')" 0
grep -q cover between/*.tar && bad "what is not open to everyone is encrypted" || ok "what is not open to everyone is encrypted"
sleep 2
equal "nothing new: nothing more is left" "$(count between)" 1
start b
until_true "the inbox takes it" none_left
want "the version is there" 0 chama b get forestry/cover out
same_tree "as it was" data out
want "what was granted, too" 0 chama b verify forestry/secret
want "what is private is not" 1 chama b get forestry/private nothing
equal "it lies in done" "$(count between/done)" 1
equal "nothing was refused" "$(count between/refused)" 0

# Only what is new.
printf '3,4\n' >>data/林地.csv
want "a new version" 0 chama a publish cover data --share open
until_true "comes by itself" chama b get forestry/cover@2 out2
same_tree "right" data out2
small=$(ls -S between/done | tail -n 1)
[ "$(stat -c %s "between/done/$small")" -lt 1800000 ] && ok "without what was left before" || bad "with what was left before: $(ls -l between/done)"

# What is no good, and what is strange: refused with its reason; a good one beside it is taken.
records=$(chama b status --json | sed -n 's/.*"records": \([0-9]*\).*/\1/p' | head -n 1)
good=between/done/$(ls between/done | head -n 1)
cp "$good" again.tar
head -c 300000 "$good" >cut.tar
tar -cf mtree.tar data
mkdir .stage && printf 'evil\033[31m' >.stage/x
cp cut.tar between/0cut.tar && cp mtree.tar between/1other.tar && echo hello >between/readme.txt && ln -s "$FOLDER/a/config.ini" between/2link.tar && mkfifo between/3pipe.tar
cp cut.tar "between/$(printf '4\033[31mred\nline.tar')"
cp again.tar between/growing.tar.part && mkdir between/theirs
cp again.tar between/.hidden.tar && mv again.tar between/9good.tar
until_true "all are seen to" none_left
sleep 1
equal "five are refused, with a reason each" "$(ls between/refused | grep -c 'tar.txt$') $(count between/refused)" "5 10"
has "a cut one" "$(cat between/refused/*0cut.tar.txt)" "0cut.tar"
has "is no whole archive" "$(cat between/refused/*0cut.tar.txt)" "B1"
has "a link" "$(cat between/refused/*2link.tar.txt)" "DB3: want a file, have a link"
has "a FIFO" "$(cat between/refused/*3pipe.tar.txt)" "DB3: want a file, have a FIFO"
equal "another name is someone else's, and stays" "$(cat between/readme.txt)" hello
equal "names are harmless" "$(ls between/refused | LC_ALL=C grep -c '[^a-zA-Z0-9._[-]')" 0
has_not "so is the log" "$(cat b.log)" "$(printf '\033')"
[ -e between/done/*9good.tar ] && ok "the good one beside them was taken" || bad "the good one was not taken" "$(ls between/done)"
[ -e between/growing.tar.part ] && [ -e between/.hidden.tar ] && [ -d between/theirs ] && ok "what is being written is left alone, and folders" || bad "touched what is not for it"
want "status" 0 chama b status
has "tells of the box" "$out" "inbox $FOLDER/between"
has "and of what was refused" "$out" "5 refused"
want "status --json" 0 chama b status --json
has "the same" "$out" '"refused": 5'
equal "taking it twice changed nothing" "$(printf '%s' "$out" | sed -n 's/.*"records": \([0-9]*\).*/\1/p' | head -n 1)" "$records"
rm -f between/growing.tar.part between/.hidden.tar

# A full outbox: nothing is removed, nothing more is left, and the status says so; it goes on when somebody took something.
stop b
for n in 1 2 3 4; do
    chama a publish "more$n" data/large --share open >/dev/null 2>&1
    sleep 1.5
done
until_true "it says that it is full" sh -c "'$CHAMA' --home a status | grep -q 'DB13: it is full'"
equal "three lie there, no more" "$(ls between | grep -c 'tar$')" 3
start b
until_true "when they are taken" chama b get forestry/more4 out4
until_true "it goes on" none_left

# Killed at random moments, both of them, with bundles coming all the while.
rounds=${CHAMA_CUTS:-6}
for n in $(seq "$rounds"); do
    head -c 300000 /dev/urandom >data/large
    chama a publish cut data --share open >/dev/null 2>&1 || bad "publish in round $n"
    sleep "$(awk "BEGIN { srand($n); print 0.2 + rand() }")"
    for node in a b; do
        kill -9 "$(cat $node.pid)" 2>/dev/null
        wait "$(cat $node.pid)" 2>/dev/null
        rm -f $node.log
        start $node >/dev/null || bad "the daemon does not start again"
    done
done
newest=$(chama a show cut --json | sed -n 's/.*"version": \([0-9]*\).*/\1/p' | head -n 1)
until_true "after $rounds kills the newest version is there" chama b get "forestry/cut@$newest" killed
same_tree "right" data killed
until_true "nothing waits" none_left
equal "nothing more was refused" "$(ls between/refused | grep -vc 'txt$')" 5
kept=$(count between/done)
[ "$kept" -le 30 ] && ok "done is bounded: $kept" || bad "done has $kept files"
for node in a b; do want "fsck of $node" 0 chama $node fsck; done

# By hand: chama push DIR.
stop b && mkdir byhand other
want "push to a folder" 0 chama a push ./byhand
has "leaves a bundle" "$out" "./byhand: 1 file left"
grep -q 'chama/' byhand/*.tar && ok "for everyone, as it was made" || bad "want it open"
want "again" 0 chama a push ./byhand
has "there is nothing new" "$out" "nothing new since the last bundle"
equal "and nothing more lies there" "$(count byhand)" 1
want "--all" 0 chama a push ./byhand --all
equal "leaves all anew" "$(count byhand)" 2
want "for a peer, one version" 0 chama a push "$FOLDER/other" --for tourism secret --json
has "as JSON" "$out" '"files": 1'
want "is what that peer can apply" 0 chama b bundle apply other/*.tar
mkdir named
want "one version by its name" 0 chama a push ./named cover@1
want "then all that is new" 0 chama a push ./named
has "leaves the others" "$out" "./named: 1 file left"
want "volumes" 2 chama a push ./named --all --volumes 10K
has "of the size that was given" "$err" "B13"
want "--volumes" 2 chama a push ./named --volumes 1X
has "has to be a size" "$err" '--volumes: want a size as 650M or 4G, have "1X"'
want "--since without --for" 2 chama a push ./named --since other.tar
has "is refused" "$err" "--since: want it with --for PEER"
want "--since a bundle that was made for the peer" 0 chama a push ./named --for tourism --since "$good" secret
want "or one that says nothing of what it holds" 1 chama a push ./named --for tourism --since first.tar secret
has "is none" "$err" "--since first.tar: B30: want a bundle that was made here for the receiver, or one by the receiver that says what it holds (\`chama bundle apply --receipt\`)"
want "for everyone, what is not for everyone" 4 chama a push ./byhand secret
equal "leaves nothing" "$(count byhand)" 2
want "a folder that is not there" 1 chama a push ./nowhere
has "is named" "$err" "./nowhere: want a folder to leave bundles in"
stages() { ls a/outbox | wc -l; }
kept=$(stages)
mkdir nodir && rmdir nodir && want "a mistyped place" 1 chama a push ./nodir
equal "leaves nothing in the home" "$(stages)" "$kept"
for place in sftp://localhost sftp://localhost/; do
    want "$place" 2 chama a push "$place"
    has "is no place" "$err" "SH1: want sftp://[USER@]HOST[:PORT]/DIR"
done
equal "and leaves nothing" "$(stages)" "$kept"
mkdir closed && chmod 500 closed
if [ "$(id -u)" -ne 0 ]; then
    want "a folder where nothing can be written" 1 chama a push ./closed --all
    equal "leaves nothing of what was made for it" "$(stages) $(find a/outbox -name '*.tar' | wc -l)" "$kept 0"
fi
mkdir small && want "a disk that is full" 1 sh -c "ulimit -f 600; trap '' XFSZ; '$CHAMA' --home a push ./small secret --for tourism"
equal "leaves nothing of it either" "$(stages) $(find a/outbox small -name '*.tar*' | wc -l)" "$kept 0"
mkdir a/outbox/0123456789abcdef a/outbox/0123456789abcdef/ready && echo x >a/outbox/0123456789abcdef/ready/x.tar && touch -d '8 days ago' a/outbox/0123456789abcdef/by-hand
want "another push" 0 chama a push ./byhand
equal "frees what was cut long ago" "$(stages)" "$kept"
want "names to a peer" 2 chama a push tourism secret
has "are for folders" "$err" "NAME, --for, --all, --since and --volumes are for a folder"

# The outbox of a folder that is not there, and a configuration that is none.
stop a
sed -i "s|^outbox = .*|outbox = tourism:$FOLDER/nowhere|" a/config.ini
start a
until_true "a folder that is not there" sh -c "'$CHAMA' --home a status | grep -q 'nowhere.*want a folder'"
stop a
sed -i "s|^outbox = .*|outbox = tourism|" a/config.ini
want "an outbox without a folder" 2 timeout 5 "$CHAMA" --home a serve
has "is a mistake" "$err" "[dropbox] outbox: want PEER:DIR or PEER:sftp://HOST/DIR, have tourism"

# A folder with other files in it loses none of them; the home, a folder above or below it and a relative path are no inbox.
set_inbox() { sed -i "s|^inbox = .*|inbox = $1|" b/config.ini; }
mkdir shared && sed -i 's/^keep-count = .*/keep-count = 2/' b/config.ini && set_inbox "$FOLDER/shared"
for n in 1 2 3 4 5 6; do echo "$n" >"shared/report $n.pdf"; echo "$n" >"shared/2020010${n}T000000Z-photo.jpg"; done
for n in 1 2 3; do cp cut.tar "shared/$n.tar"; done
start b
until_true "bundles among other files are seen to" sh -c "[ \"\$(ls shared/*.tar 2>/dev/null; ls shared/taking)\" = '' ]"
until_true "of what was refused two files are kept" sh -c '[ "$(ls shared/refused | wc -l)" -eq 2 ]'
equal "the other files are all there" "$(cat shared/*.pdf shared/*.jpg | sort -u | tr -d '\n') $(ls shared | grep -c '\.')" "123456 12"
want "status" 0 chama b status
has "does not count them" "$out" "0 waiting"
stop b
before=$(find b -type f | sort)
ln -s b link
for folder in "$FOLDER/b" "$FOLDER" "$FOLDER/b/keys" "$FOLDER/b/new" "$FOLDER/link" "$FOLDER/shared/../b" /; do
    set_inbox "$folder"
    want "inbox = ${folder#"$FOLDER"}" 2 timeout 5 "$CHAMA" --home b serve
    has "is refused" "$err" "[dropbox] inbox: DB15: want a folder of its own"
done
want "status" 0 chama b status
has "says so" "$out" "CONFIG     config.ini: [dropbox] inbox: DB15: want a folder of its own"
has "and what comes of it" "$out" "; the daemon does not start with that"
want "status --json" 0 chama b status --json
has "says the same" "$out" '"config.ini: [dropbox] inbox: DB15: want a folder of its own'
set_inbox shared
want "a relative path" 2 timeout 5 "$CHAMA" --home b serve
has "too" "$err" "[dropbox] inbox: DB15: want the whole path of a folder"
equal "the home is as it was" "$(find b -type f | sort)" "$before"
sed -i "s|^outbox = .*|outbox = tourism:$FOLDER/a/out|" a/config.ini
sed -i "s|^outbox = .*|outbox = tourism:sftp://localhost|" a/config.ini
want "an outbox that names no folder" 2 timeout 5 "$CHAMA" --home a serve
has "is refused" "$err" "SH1"
sed -i "s|^outbox = .*|outbox = tourism:$FOLDER/a/out|" a/config.ini
want "an outbox in the home" 2 timeout 5 "$CHAMA" --home a serve
has "is refused" "$err" "[dropbox] outbox: DB15"
