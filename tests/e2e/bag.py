"""Is a folder a complete and valid BagIt bag (RFC 8493, 3)?  bag.py FOLDER: says what is wrong, exit 1, or nothing."""
import hashlib, os, re, sys

top = sys.argv[1]
wrong = []


def read(name):
    with open(os.path.join(top, name), encoding="utf-8", newline="") as text:
        return text.read()


def files_below(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(path, name), top)


def check_manifest(name):
    """The paths that it names, each with the digest of what is there."""
    named = set()
    for line in read(name).split("\n")[:-1]:
        digest, path = re.fullmatch(r"([0-9a-f]{64})  (.+)", line).groups()
        path = re.sub(r"%(0A|0D|25)", lambda found: chr(int(found[1], 16)), path)
        if path in named:
            wrong.append(f"{name}: {path} twice")
        named.add(path)
        with open(os.path.join(top, path), "rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != digest:
                wrong.append(f"{path}: another digest")
    return named


if read("bagit.txt") != "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
    wrong.append("bagit.txt")
payload = set(files_below(os.path.join(top, "data")))
if check_manifest("manifest-sha256.txt") != payload:
    wrong.append("manifest-sha256.txt names not what is in data")
tags = {path for path in files_below(top) if not path.startswith("data/")}
if check_manifest("tagmanifest-sha256.txt") != tags - {"tagmanifest-sha256.txt"}:
    wrong.append("tagmanifest-sha256.txt names not the tag files")
size = sum(os.path.getsize(os.path.join(top, path)) for path in payload)
if f"Payload-Oxum: {size}.{len(payload)}\n" not in read("bag-info.txt"):
    wrong.append("Payload-Oxum")
if wrong:
    sys.exit("\n".join(wrong))
