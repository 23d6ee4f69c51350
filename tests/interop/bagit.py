"""A validator of BagIt bags, written from RFC 8493 alone.

    bagit.py FOLDER     exit 0 if the folder is a valid bag, else 1 and what is wrong
"""
import hashlib
import os
import re
import sys


def read(path):
    with open(path, "rb") as file:
        return file.read()


def declaration(bag):
    """2.1.1: exactly two lines."""
    text = read(os.path.join(bag, "bagit.txt")).decode("utf-8")
    match = re.fullmatch(r"BagIt-Version: (\d+)\.(\d+)\r?\nTag-File-Character-Encoding: ([A-Za-z0-9_-]+)\r?\n?", text)
    if not match:
        raise ValueError("bagit.txt: not a declaration")
    if match[1] != "1" or match[3].upper() != "UTF-8":
        raise ValueError("bagit.txt: another version or encoding")


def lines(bag, name):
    """2.1.3: checksum, white space, path; CR, LF and % of the path are escaped."""
    for line in read(os.path.join(bag, name)).decode("utf-8").splitlines():
        match = re.fullmatch(r"([0-9A-Fa-f]+)[ \t]+\*?(\S.*)", line)
        if not match:
            raise ValueError("%s: no line of a manifest: %r" % (name, line))
        path = re.sub(r"%(0[AaDd]|25)", lambda found: bytes.fromhex(found[1]).decode(), match[2])
        if path.startswith(("/", "~")) or ".." in path.split("/"):
            raise ValueError("%s: %r leads out of the bag" % (name, path))
        yield path, match[1].lower()


def manifest(bag, name):
    """Paths that it names, each there and of that checksum."""
    algorithm = re.fullmatch(r"(?:tag)?manifest-([a-z0-9]+)\.txt", name)[1]
    named = set()
    for path, checksum in lines(bag, name):
        if path in named:
            raise ValueError("%s: %s twice" % (name, path))
        named.add(path)
        if not os.path.isfile(os.path.join(bag, path)):
            raise ValueError("%s: %s is not there" % (name, path))
        if hashlib.new(algorithm, read(os.path.join(bag, path))).hexdigest() != checksum:
            raise ValueError("%s: %s has another checksum" % (name, path))
    return named


def payload(bag):
    for folder, _, names in os.walk(os.path.join(bag, "data")):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), bag)


def info(bag):
    """2.2.2: labels and values; a line that begins with white space goes on."""
    elements = {}
    label = None
    for line in read(os.path.join(bag, "bag-info.txt")).decode("utf-8").splitlines():
        if line[:1] in (" ", "\t") and label:
            elements[label] += " " + line.strip()
            continue
        match = re.fullmatch(r"([^:]+?)\s?:[ \t]*(.*)", line)
        if not match:
            raise ValueError("bag-info.txt: %r" % line)
        label = match[1].lower()
        elements[label] = match[2]
    return elements


def check(bag):
    declaration(bag)
    names = os.listdir(bag)
    manifests = [name for name in names if re.fullmatch(r"manifest-[a-z0-9]+\.txt", name)]
    if not manifests or not os.path.isdir(os.path.join(bag, "data")):
        raise ValueError("no manifest or no data")
    files = set(payload(bag))
    for name in manifests:
        if manifest(bag, name) != files:
            raise ValueError("%s: does not name each payload file" % name)
    for name in names:
        if re.fullmatch(r"tagmanifest-[a-z0-9]+\.txt", name):
            if any(path.startswith("data/") for path in manifest(bag, name)):
                raise ValueError("%s: names payload" % name)
    oxum = info(bag).get("payload-oxum")
    size = sum(os.path.getsize(os.path.join(bag, path)) for path in files)
    if oxum and oxum != "%d.%d" % (size, len(files)):
        raise ValueError("Payload-Oxum: %s, have %d.%d" % (oxum, size, len(files)))


if __name__ == "__main__":
    try:
        check(sys.argv[1])
    except (ValueError, OSError) as wrong:
        print(wrong)
        sys.exit(1)
