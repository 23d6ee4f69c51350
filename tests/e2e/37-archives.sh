#!/bin/sh
# B1 to B12: archives from an adversary are refused by their rule; nothing is written outside the home, nothing becomes visible.
. "$SOURCE/tests/lib.sh"
make_node a Forestry
make_node b Tourism
mkdir data && seq 1 5000 >data/one.csv
chama a publish cover data --share open >/dev/null 2>&1
chama a bundle create good.tar cover >/dev/null 2>&1
want "a folder" 2 chama b bundle apply data
has "is no bundle" "$err" "data: B1: want a file, have a folder"
want "something else" 3 chama b bundle apply data/one.csv
has "is no bundle, either" "$err" "one.csv: B1: want a whole tar archive, have: "
cat >adversary.py <<'PY'
import gzip
import hashlib
import io
import tarfile

ARCHIVE = tarfile.open("good.tar")
GOOD = [(member.name, ARCHIVE.extractfile(member).read()) for member in ARCHIVE]


def manifests(members):
    """The same with text files that fit."""
    def lines(wanted):
        return "".join("%s  %s\n" % (hashlib.sha256(content).hexdigest(), name.split("/", 1)[1]) for name, content in members if wanted(name)).encode()
    members = [(n, lines(lambda name: "/data/" in name) if n.endswith("/manifest-sha256.txt") else c) for n, c in members]
    return [(n, "".join("%s  %s\n" % (hashlib.sha256(c2).hexdigest(), n2.split("/", 1)[1]) for n2, c2 in members
                        if "/data/" not in n2 and "/tagmanifest" not in n2).encode() if "/tagmanifest" in n else c) for n, c in members]


def write(path, members, before=(), form=tarfile.USTAR_FORMAT):
    with tarfile.open(path, "w", format=form) as out:
        for info, content in before:
            out.addfile(info, io.BytesIO(content) if content is not None else None)
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))


def entry(name, kind=tarfile.REGTYPE, link="", content=b""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content if kind == tarfile.REGTYPE else None


write("dotdot.tar", GOOD, [entry("good/data/../../../escaped", content=b"x")])
write("absolute.tar", GOOD, [entry("/tmp/escaped", content=b"x")])
write("symlink.tar", GOOD, [entry("good/data/exchange", tarfile.SYMTYPE, "/etc/passwd")])
write("hardlink.tar", GOOD, [entry("good/data/x", tarfile.LNKTYPE, "good/bagit.txt")])
write("device.tar", GOOD, [entry("good/data/null", tarfile.CHRTYPE)])
write("fifo.tar", GOOD, [entry("good/data/fifo", tarfile.FIFOTYPE)])
write("twice.tar", GOOD + [GOOD[0]])
write("second.tar", GOOD, [entry("other/data/x", content=b"x")])
write("more.tar", GOOD, [entry("good/data/more", content=b"x")])
write("other.tar", GOOD, [entry("good/readme", content=b"x")])
write("long.tar", GOOD, [entry("good/data/" + "x" * 300, content=b"x")], tarfile.GNU_FORMAT)
for name in ("bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "bag-info.txt"):
    write("no-%s.tar" % name, [(n, c) for n, c in GOOD if n != "good/" + name])
write("absent.tar", [(n, c) for n, c in GOOD if not n.endswith("/exchange.json")])
write("version.tar", manifests([(n, c.replace(b"Chama-Bundle: 1", b"Chama-Bundle: 2") if n.endswith("bag-info.txt") else c) for n, c in GOOD]))
write("group.tar", manifests([(n, c.replace(b"Bag-Count: 1 of 1", b"Bag-Count: 3 of 2") if n.endswith("bag-info.txt") else c) for n, c in GOOD]))
write("nothing.tar", [])
with gzip.open("bomb.tar.gz", "wb", 9) as bomb:
    for number in range(4):
        info = tarfile.TarInfo("good/data/%d" % number)
        info.size = 60 * 1024 * 1024
        bomb.write(info.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(60):
            bomb.write(bytes(1024 * 1024))
info = tarfile.TarInfo("good/data/large")
info.size = 100 * 1024 * 1024
open("large.tar", "wb").write(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))
# A bag that is whole by its own word: what is in it must still verify.
write("lied.tar", manifests([(n, c.replace(b"cover", b"covar") if n.endswith("/sparse") else c) for n, c in GOOD]))
write("chunk.tar", manifests([(n, c[:-1] + bytes([c[-1] ^ 1]) if "/chunks-" in n else c) for n, c in GOOD]))
write("frames.tar", manifests([(n, c[:40] if "/chunks-" in n else c) for n, c in GOOD]))
PY
python3 adversary.py || bad "archives are made"
refused() {  # FILE RULE WHAT
    want "$3" 3 chama b bundle apply "$1"
    has "$3, by its rule" "$err" "$2"
}
refused dotdot.tar B5 "a path that leads out"
refused absolute.tar B5 "a path from the root"
refused symlink.tar B2 "a symbolic link"
refused hardlink.tar B2 "a hard link"
refused device.tar B2 "a device"
refused fifo.tar B2 "a fifo"
refused twice.tar B5 "a name twice"
refused second.tar B7 "two folders"
refused more.tar B9 "a file that no manifest names"
refused other.tar B7 "a file beside the bag's"
refused long.tar B5 "a long path"
for name in bagit.txt manifest-sha256.txt tagmanifest-sha256.txt bag-info.txt; do refused no-$name.tar B7 "no $name"; done
refused absent.tar B9 "a file that is named and not there"
refused version.tar B10 "another format"
refused group.tar B12 "a volume beyond the last"
refused nothing.tar B1 "nothing"
refused bomb.tar.gz B6 "a bomb"
refused large.tar B3 "a file that is too large"
refused lied.tar "" "an altered record"
refused chunk.tar "" "an altered chunk"
want "frames that were cut" 1 chama b bundle apply frames.tar
[ -e escaped ] || [ -e /tmp/escaped ] && bad "nothing is written outside" || ok "nothing is written outside"
equal "no version is held" "$(chama b ls | grep -c ' held ')" "0"
want "the good one" 0 chama b bundle apply good.tar
has "is held" "$out" "1 of its 1 versions held"
want "and verifies" 0 chama b verify
