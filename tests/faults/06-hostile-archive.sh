#!/bin/sh
# publish --unpack of archives that mean harm: each refused by its rule, nothing published, nothing written outside of the home; a bomb stays within bounds.
. "$SOURCE/tests/lib.sh"

make_node a Forestry
mkdir outside archives
echo untouched >outside/canary
python3 - <<'PYTHON'
import io, os, tarfile, zipfile

def tar(name, *members):
    """Each: (path, kind, content or link target); the order is kept."""
    with tarfile.open("archives/" + name + ".tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for path, kind, text in members:
            info = tarfile.TarInfo(path)
            info.type = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "folder": tarfile.DIRTYPE, "device": tarfile.CHRTYPE,
                         "block": tarfile.BLKTYPE, "fifo": tarfile.FIFOTYPE}[kind]
            if kind in ("link", "hard"):
                info.linkname = text
            data = text.encode() if kind == "file" else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

outside = os.getcwd() + "/outside/"
tar("dotdot", ("../outside/new", "file", "x"))
tar("dotdot-inside", ("a/../../outside/new", "file", "x"))
tar("dotdot-link", ("a", "link", "../outside"))
tar("absolute-link", ("a", "link", outside))
tar("through-link", ("a", "link", "../outside"), ("a/new", "file", "x"))
tar("through-inner-link", ("d", "folder", ""), ("a", "link", "d"), ("a/new", "file", "x"))
tar("device", ("null", "device", ""))
tar("block", ("disk", "block", ""))
tar("fifo", ("pipe", "fifo", ""))
tar("twice", ("a", "file", "one"), ("a", "file", "two"))
tar("twice-link", ("a", "file", "one"), ("a", "link", "b"), ("b", "file", "x"))
tar("file-and-folder", ("a", "file", "one"), ("a/b", "file", "two"))
tar("folder-and-file", ("a/b", "file", "two"), ("a", "file", "one"))
tar("long-name", ("n" * 300, "file", "x"))
tar("long-path", ("/".join(["p" * 200] * 6), "file", "x"))
tar("hard-outside", ("a", "hard", "../outside/canary"))
tar("hard-nothing", ("a", "hard", "nothing"))
tar("empty-link", ("a", "link", ""))
tar("whole", ("a", "file", "one"))
for name, behind in ("more", b"more" * 1000), ("few", b"more"):
    with open("archives/whole.tar", "rb") as whole, open(f"archives/behind-{name}.tar", "wb") as longer:
        longer.write(whole.read() + behind)

# What a tar cannot see by itself: a bit that fell over within gzip, a damaged header of a long name; and a dictionary of a gigabyte.
import gzip, lzma, struct, zlib
packed = bytearray(gzip.compress(open("archives/whole.tar", "rb").read(), 0))
packed[packed.index(b"one")] ^= 1
open("archives/checksum.tar.gz", "wb").write(packed)
header = tarfile.TarInfo("short")
header.pax_headers = {"path": "a long name"}
open("archives/pax.tar", "wb").write(header.tobuf(tarfile.PAX_FORMAT).replace(b"20 path=", b"99 path=") + bytes(1024))
header = tarfile.TarInfo("GNUSparseFile.0/big")
data = b"1\n%d\n0\n" % (1 << 62)
data += bytes(512 - len(data))
header.size = len(data)
header.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "big", "GNU.sparse.realsize": str(1 << 62)}
open("archives/sparse.tar", "wb").write(header.tobuf(tarfile.PAX_FORMAT) + data + bytes(1024))
header = tarfile.TarInfo("zeros")
header.size = 40 << 20
packed = bytearray(lzma.compress(header.tobuf() + bytes(header.size + 1024), preset=0))
block = packed[12:12 + 4 * (packed[12] + 1)]
block[block.index(b"\x21\x01") + 2] = 36
block[-4:] = struct.pack("<I", zlib.crc32(bytes(block[:-4])))
packed[12:12 + len(block)] = block
open("archives/window.tar.xz", "wb").write(packed)
open("archives/window-later.tar.xz", "wb").write(lzma.compress(open("archives/whole.tar", "rb").read()) + packed)

def zip(name, *members):
    with zipfile.ZipFile("archives/" + name + ".zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in members:
            archive.writestr(info, data)

zip("zip-dotdot", ("../outside/new", b"x"))
zip("zip-dotdot-deep", ("a/b/../../../outside/new", b"x"))
zip("zip-long-name", ("n" * 300, b"x"))
zip("zip-file-and-folder", ("a", b"x"), ("a/b", b"y"))
link = zipfile.ZipInfo("a")
link.create_system, link.external_attr = 3, 0o120777 << 16
zip("zip-link", (link, b"../outside/canary"))
import warnings
warnings.simplefilter("ignore")
zip("zip-twice", ("a", b"x"), ("a", b"y"))
zip("zip-absolute", ("/etc/hostile", b"x"))
tar("absolute", (outside + "new", "file", "x"))

# Names of another system, and an entry that only who has the word can read.
foreign = zipfile.ZipInfo("a")
foreign.filename = "..\\outside\\new"
foreign.create_system = 0
zip("zip-backslash", (foreign, b"x"))
os.system("printf secret >secret && zip -q -P geheim archives/zip-encrypted.zip secret")

# A gigabyte of zeros in a megabyte, and a hundred thousand empty files in a few.
with zipfile.ZipFile("archives/bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("zeros", "w", force_zip64=True) as member:
        for _ in range(1024):
            member.write(bytes(1 << 20))
with open("archives/bomb.zip", "rb") as whole, open("archives/cut.zip", "wb") as cut:
    cut.write(whole.read()[:500000])
PYTHON
before=$(find . -path ./a -prune -o -print | grep -v "^./\.\(out\|err\)\$" | sort | sha256sum)

# refused NAME RULE: exit 3, the rule in the message, no version.
refused() {
    archive=$(ls archives/"$1".*)
    "$CHAMA" --home a publish "$1" "$archive" --unpack --share open >.out 2>.err
    status=$? err=$(cat .err)
    case $status in 1 | 3) ok "$1: refused" ;; *) bad "$1: want it refused, have exit $status" "$(cat .out)" "$err" ;; esac
    has "$1: by its rule" "$err" "$2:"
    chama a show "$1" >.out 2>&1 && bad "$1: nothing is published" "$(cat .out)"
}
refused dotdot L6
refused dotdot-inside L6
refused dotdot-link CO1
refused absolute-link CO1
refused through-link CO1
refused through-inner-link AR2
refused device AR6
refused block AR6
refused fifo AR6
refused twice AR1
refused twice-link AR1
refused file-and-folder AR2
refused folder-and-file AR2
refused long-name L5
refused long-path L3
refused hard-outside L6
refused hard-nothing AR3
refused absolute L4
refused zip-dotdot L6
refused zip-dotdot-deep L6
refused zip-long-name L5
refused zip-file-and-folder AR2
refused zip-link CO1
refused zip-twice AR1
refused zip-absolute L4
refused empty-link L20
refused zip-backslash L6
refused zip-encrypted AR13
refused behind-more AR5
refused behind-few AR5
refused cut AR5
refused checksum AR5
refused pax AR5
refused sparse L22
refused window AR14
refused window-later AR14

python3 - "$CHAMA" <<'PYTHON'
import resource, subprocess, sys
done = subprocess.run([sys.argv[1], "--home", "a", "publish", "bomb", "archives/bomb.zip", "--unpack", "--share", "open"], capture_output=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
good = done.returncode == 0 and peak < 256
print("%sok - a bomb of a gigabyte: exit %d, %d MiB at the most" % ("" if good else "not ", done.returncode, peak), done.stderr.decode()[-200:] if not good else "")
PYTHON
stored=$(du -sm a/store/packs | cut -f1)
[ "$stored" -lt 4 ] && ok "and takes $stored MiB in the store" || bad "the bomb takes $stored MiB in the store"
want "fsck" 0 chama a fsck
equal "nothing was written outside" "$(cat outside/canary; ls outside)" "untouched
canary"
equal "no file came or went" "$(find . -path ./a -prune -o -print | grep -v '^./\.\(out\|err\)$' | sort | sha256sum)" "$(printf '%s' "$before")"
