#!/bin/sh
# What a person reads when something is not as they thought: named as they typed it, with what to do; and exit statuses.
. "$SOURCE/tests/lib.sh"
fixture v1
make_node a Forestry
make_node b Tourism
start a
pair a b

want "ls of nothing" 0 chama a ls
equal "prints nothing" "$out" ""
has "and says what to do" "$err" "chama publish"
want "ls --json of nothing" 0 chama a ls --json
equal "is an empty list" "$out" "[]"
equal "and nothing beside it" "$err" ""
want "peer pending of nobody" 0 chama a peer pending
has "says so" "$err" "nobody is waiting"
want "follow of nothing" 0 chama a follow
has "says so" "$err" "nothing is followed"
want "grants of nothing" 0 chama a grants
has "says so" "$err" "no grants"

chama a publish divisions v1 --share open >/dev/null
want "a dataset that is not there" 1 chama a show nothing
has "goes by the word typed" "$err" "chama: nothing: no such dataset is known here; see \`chama ls\`"
want "a version that is not there" 1 chama a get divisions@9 out
has "goes by the word typed" "$err" "chama: divisions@9: no such version is known here, the newest is @1"
want "an address cut short" 2 chama a show divisions@sha256:00
has "names the rule" "$err" "divisions@sha256:00: NM7"
want "sync" 0 chama b sync
want "a peer's version that is not held" 1 chama b cat forestry/divisions@1 LICENSE
has "goes by its whole name" "$err" "chama: forestry/divisions@1: its content is not held here; follow the dataset and run"
for command in "files forestry/divisions@1" "get forestry/divisions@1 out" "verify forestry/divisions@1" "drop forestry/divisions@1" "diff forestry/divisions@1 forestry/divisions@1"; do
    # shellcheck disable=SC2086
    want "$command" 1 chama b $command
    has "names it the same way" "$err" "chama: forestry/divisions@1: "
done
want "ls by name alone" 0 chama b ls divisions
has "finds a peer's" "$out" "forestry/divisions  @1"
want "ls by peer" 0 chama b ls 'forestry/d*'
has "finds it too" "$out" "forestry/divisions  @1"
want "ls by node id" 0 chama b ls "$(chama a id | head -n 1)/*"
has "and so" "$out" "forestry/divisions  @1"
want "ls self" 0 chama a ls 'self/div*'
has "finds one's own" "$out" "divisions  @1"
want "ls of what does not match" 0 chama b ls 'x*'
has "says so" "$err" "x*: no dataset known here matches"

want "publish of no path" 2 chama a publish x ''
want "publish of - without --unpack" 2 chama a publish x -
has "says what is missing" "$err" "--unpack"
want "a title that is too long" 2 chama a publish x v1 --title-zh "$(printf '%0300d' 0)"
has "names the option and the bound" "$err" "--title-zh: want at most"
mkdir empty
want "publish of an empty folder" 0 chama a publish empty empty
has "warns" "$err" "there is no file in it"
want "publish of the same with a message" 0 chama a publish divisions v1 -m again
has "says that the message is not kept" "$err" "not kept"
head -c 300 v1/LICENSE >broken.tgz
want "publish of what is no archive" 1 chama a publish x broken.tgz --unpack
has "names it" "$err" "broken.tgz"
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed && echo 1 >closed/a.csv && echo 2 >closed/b.csv && chmod 000 closed/b.csv
    want "publish of an unreadable file" 1 chama a publish closed closed
    has "names it and what to do" "$err" "b.csv: want leave to read it, have none; give it, or leave it out with --exclude"
    want "publish without it" 0 chama a publish closed closed --exclude b.csv
fi
python3 - <<'P'
import zipfile
class Old(zipfile.ZipInfo):
    def _encodeFilenameFlags(self):
        return self.filename.encode("gbk"), 0
with zipfile.ZipFile("old.zip", "w") as z:
    for name in ("数据/森林.csv", "readme.txt"):
        z.writestr(Old(name), "x")
P
want "an old zip" 0 chama a publish old old.zip --unpack
has "hints at its encoding" "$err" "1 names in the archive are not UTF-8"
want "an old zip, with its encoding" 0 chama a publish old old.zip --unpack --encoding GBK
has_not "does not" "$err" "UTF-8"
want "files" 0 chama a files old
has "has its names" "$out" "数据/森林.csv"

echo text >file
want "get into a file" 1 chama a get divisions file
has "says what it wants" "$err" "file: want a folder"
want "get into nothing" 2 chama a get divisions ''
want "get into a folder whose name begins with a dash" 0 chama a get divisions -- -dash
same_tree "writes there" v1 ./-dash
want "and with all words after the --" 0 chama a get -- divisions -dash
want "get --only that matches nothing" 1 chama a get divisions none --only '*.xlsx'
has "names the pattern" "$err" "*.xlsx"
equal "and makes no folder" "$(ls -d none 2>/dev/null)" ""
want "get --only by a name at any depth" 0 chama a get divisions only --only '*.csv'
equal "finds all" "$(cd only && find . -type f | sort)" "$(cd v1 && find . -name '*.csv' | sort)"
want "get" 0 chama a get divisions out
echo edited >>out/LICENSE
want "get over an edit" 1 chama a get divisions out
has "names folder, file and what to do" "$err" "out: local changes: CO3: want none, have 1: LICENSE; move them away, or give --force"

(chama a files divisions 2>left.err; echo $? >left.status) | true
equal "a reader that leaves is no reason to complain" "$(cat left.err)" ""
(chama a cat divisions dist/streets.json 2>left.err; echo $? >left.status) | head -c 1 >/dev/null
equal "nor in the middle of a file" "$(cat left.err)" ""
equal "but not success either" "$(cat left.status)" 1
if [ -w /dev/full ]; then
    want "a full disk is" 1 sh -c '"$1" --home "$2" ls >/dev/full' - "$CHAMA" "$FOLDER/a"
    has "and is named" "$err" "No space left"
fi
LC_ALL=C want "any locale" 0 chama a files old
has "shows Chinese" "$out" "数据/森林.csv"
