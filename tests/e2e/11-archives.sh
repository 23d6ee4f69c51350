#!/bin/sh
# I9: a folder, its tar and its zip have one listing root; a tar on standard input; names in old encodings.
. "$SOURCE/tests/lib.sh"
fixture v1
chmod 755 v1/LICENSE
mkdir v1/leer && ln -s dist/areas.csv v1/link
make_node a Forestry
listing() { chama a show "$1" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["listing"])'; }

want "the folder" 0 chama a publish folder v1 --share open
root=$(listing folder)
tar -C v1 -cf plain.tar .
tar -C v1 -czf some.tar.gz .
tar -C v1 -cJf some.tar.xz .
tar -C v1 --zstd -cf some.tar.zst .
(cd v1 && zip -qry ../some.zip .)
bsdtar -C v1 -cf some.7z --format=7zip .
for archive in plain.tar some.tar.gz some.tar.xz some.tar.zst some.zip some.7z; do
    want "$archive" 0 chama a publish "$archive" "$archive" --unpack --share open
    equal "$archive has the folder's root" "$(listing "$archive")" "$root"
done
"$CHAMA" --home a publish stdin - --unpack --share open <plain.tar >/dev/null && ok "a tar on standard input" || bad "a tar on standard input"
equal "has the folder's root" "$(listing stdin)" "$root"
for archive in some.tar.gz some.tar.xz some.tar.zst; do
    "$CHAMA" --home a publish "stdin-$archive" - --unpack --share open <$archive >/dev/null && ok "$archive on standard input" || bad "$archive on standard input"
    equal "has the folder's root" "$(listing "stdin-$archive")" "$root"
done
"$CHAMA" --home a publish zip - --unpack <some.zip >.out 2>.err && bad "a zip on standard input is refused" || ok "a zip on standard input is refused"
has "saying what is taken" "$(cat .err)" "on standard input want a tar"
cat some.tar.gz plain.tar >odd.tar.gz
want "something else behind a packed tar" 1 chama a publish odd odd.tar.gz --unpack
has "is not passed over" "$err" "odd.tar.gz: AR12: want nothing behind its end"
want "without --unpack an archive is a file" 0 chama a publish file plain.tar --share open
equal "published as it is" "$(chama a files --sha256 file)" "$(sha256sum plain.tar)"
want "--encoding without --unpack" 2 chama a publish file plain.tar --encoding GBK

python3 - <<'P'
import zipfile
with zipfile.ZipFile("gbk.zip", "w") as z:
    info = zipfile.ZipInfo("x.csv")
    z.writestr(info, "1,2\n")
data = open("gbk.zip", "rb").read().replace(b"x.csv", "云.c".encode("gbk") + b"v")
open("gbk.zip", "wb").write(data)
P
want "a zip with names in GBK" 0 chama a publish gbk gbk.zip --unpack --encoding GBK --share open
want "files" 0 chama a files gbk
has "its names are right" "$out" "云.cv"
head -c 30000 some.tar.gz >cut.tar.gz
want "an archive that was cut" 1 chama a publish cut cut.tar.gz --unpack
want "makes no version" 1 chama a show cut
echo "no archive" >text
mkdir a-folder
want "--unpack of a folder" 2 chama a publish text a-folder --unpack
has "says what to do" "$err" "a-folder: --unpack: want an archive, have a folder: publish it without --unpack"
want "what is no archive" 1 chama a publish text text --unpack
want "an archive that is not there" 1 chama a publish gone gone.tar --unpack
