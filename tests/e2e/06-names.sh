#!/bin/sh
# Names of files: Chinese, spaces, line feeds, not UTF-8, long; links, empty folders, executables; in any locale.
. "$SOURCE/tests/lib.sh"
mkdir -p in/数据/空文件夹 "in/with space" in/deep
echo 一 >in/数据/云南省.csv
echo x >"in/with space/a  b"
printf 'x' >"in/$(printf 'line\nfeed')"
printf 'x' >"in/$(printf 'raw-\377\376')"
printf 'x' >'in/back\slash'
echo '#!/bin/sh' >in/run.sh && chmod +x in/run.sh
ln -s 数据/云南省.csv in/link
ln -s nowhere in/dangling
: >in/empty
long=$(printf %0255d 0)
echo long >"in/$long"
d=in/deep
for _ in 1 2 3 4 5 6 7 8; do d=$d/$(printf %0100d 1); mkdir "$d"; done
echo deep >"$d/file"
mkfifo outside-fifo

make_node a 林业厅
make_node b Tourism
start a && start b
pair a b
want "publish" 0 chama a publish names in --share open
chama b follow '*' >/dev/null
want "sync" 0 chama b sync
peer=$(chama b peer ls | awk '{ print $1 }')
want "get" 0 chama b get "$peer/names" out
same_tree "every name survives" in out
[ -x out/run.sh ] && ok "the executable bit survives" || bad "executable bit"
[ -d out/数据/空文件夹 ] && ok "an empty folder survives" || bad "empty folder"
equal "links are links" "$(readlink out/link)" "数据/云南省.csv"
for locale in C POSIX C.UTF-8 zh_CN.GB18030; do
    equal "Chinese prints right with LC_ALL=$locale" "$(LC_ALL=$locale "$CHAMA" --home b files "$peer/names" | grep -c 云南省.csv)" 2
    LC_ALL=$locale "$CHAMA" --home a publish names in -m "中文 $locale" >/dev/null && ok "Chinese options with LC_ALL=$locale" || bad "Chinese options with LC_ALL=$locale"
done
want "files --json is JSON, line by line" 0 chama b files --json "$peer/names"
printf '%s\n' "$out" | python3 -c 'import json,sys; [json.loads(l) for l in sys.stdin]' && ok "every line" || bad "files --json"
chama b files --sha256 "$peer/names" >sums
(cd out && sha256sum --quiet -c ../sums) && ok "sha256sum accepts all names" || bad "sha256sum"
want "cat of a name that is not UTF-8" 0 chama b cat "$peer/names" "$(printf 'raw-\377\376')"

ln -s ../../etc/passwd in/escape
want "a link that leads outside" 1 chama a publish names in
has "is refused by name" "$err" escape
rm in/escape
ln -s /etc/passwd in/absolute
want "an absolute link" 1 chama a publish names in
rm in/absolute
truncate -s 5G sparse.img && printf x | dd of=sparse.img bs=1 seek=3000000000 conv=notrunc status=none
want "a 5 GiB sparse file" 0 chama a publish sparse sparse.img --share open
want "sync" 0 chama b sync
want "get" 0 chama b get "$peer/sparse" sparse-out
equal "it has its size" "$(stat -c %s sparse-out/sparse.img)" 5368709120
if [ "$(du -k sparse-out/sparse.img | cut -f1)" -lt 2048 ]; then ok "it stays sparse"; else bad "it takes $(du -k sparse-out/sparse.img) KiB"; fi
equal "its one byte is where it was" "$(dd if=sparse-out/sparse.img bs=1 skip=3000000000 count=1 status=none)" x
printf 'a.tmp\nlogs/\n!logs/keep\n' >in/.chamaignore
mkdir -p in/logs && echo 1 >in/logs/x && echo 2 >in/a.tmp
want "publish with .chamaignore" 0 chama a publish ignored in --share open
want "files" 0 chama a files ignored
has_not "leaves out what it lists" "$out" a.tmp
want "publish with --exclude" 0 chama a publish excluded in --exclude '*.csv' --share open
want "files" 0 chama a files excluded
equal "leaves out what is excluded" "$(printf "%s\n" "$out" | grep -c "^f.*csv")" 0
