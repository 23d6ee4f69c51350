#!/usr/bin/env python3
"""Follows a chama proof by hand, with Python's standard library and nothing of chama: manifests/FORMAT.md, part 12, and c2sp.org/tlog-proof,
tlog-checkpoint, tlog-cosignature and signed-note.  Prints what it found, exit 1 if anything does not hold.

    proof.py FILE
    proof.py --tlog FILE LEAF ORIGIN-VKEY     a bare tlog-proof of the bytes in LEAF
"""

import base64
import hashlib
import json
import re
import struct
import sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


class Wrong(Exception):
    """What does not hold."""


def want(condition, text):
    if not condition:
        raise Wrong(text)


# Ed25519, RFC 8032, section 5.1.7

def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    want((x * x - square) % P == 0, "a point that is not on the curve")
    return x if x & 1 == sign else P - x


def point(data):
    number = int.from_bytes(data, "little")
    y = number & (1 << 255) - 1
    want(y < P, "a point that is not canonical")
    x = recover_x(y, number >> 255)
    return x, y, 1, x * y % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number, base):
    result = 0, 1, 1, 0
    while number:
        if number & 1:
            result = add(result, base)
        base, number = add(base, base), number >> 1
    return result


BASE = point(bytes([0x58] + 31 * [0x66]))


def ed25519_verify(key, message, signature):
    want(len(key) == 32 and len(signature) == 64, "a key or signature of another length")
    s = int.from_bytes(signature[32:], "little")
    want(s < ORDER, "a signature whose second half is not below the order")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = multiply(s, BASE), add(point(signature[:32]), multiply(h, point(key)))
    want((left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0, "a signature that does not hold")


# encodings

def decode(text, size=None):
    data = base64.b64decode(text, validate=True)
    want(base64.b64encode(data).decode() == text, "base64 in another spelling")
    want(size is None or len(data) == size, f"want {size} bytes in base64, have {len(data)}")
    return data


def strings(data):
    """SSH strings up to the end."""
    found = []
    while data:
        size, = struct.unpack(">I", data[:4])
        want(len(data) >= 4 + size, "an SSH string that is cut off")
        found.append(data[4:4 + size])
        data = data[4 + size:]
    return found


def ssh_string(data):
    return struct.pack(">I", len(data)) + data


# RFC 9162

def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def check_inclusion(index, size, leaf, path, root):
    """2.1.3.2."""
    want(index < size, "an index that is not in the tree")
    fn, sn, have = index, size - 1, leaf
    for other in path:
        want(sn, "an inclusion proof that is too long")
        if fn & 1 or fn == sn:
            have = node_hash(other, have)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            have = node_hash(have, other)
        fn, sn = fn >> 1, sn >> 1
    want(sn == 0, "an inclusion proof that is too short")
    want(have == root, "an inclusion proof that does not lead to the root")


# signed notes and checkpoints

def key_id(name, algorithm, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + key).digest()[:4]


class Note:
    def __init__(self, data):
        self.text, _, signatures = data.rpartition(b"\n\n")
        self.text += b"\n"
        self.lines = []
        want(signatures.endswith(b"\n"), "a note that is cut off")
        for line in signatures[:-1].decode().split("\n"):
            found = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/=]+)", line)
            want(found, "a signature line of another form")
            self.lines.append((found[1], decode(found[2])))
        self.origin, size, root = self.text.decode().split("\n")[:3]
        want(re.fullmatch("0|[1-9][0-9]*", size), "a size in another spelling")
        self.size, self.root = int(size), decode(root, 32)

    def check_log(self, key):
        """The log's own line is the first, here."""
        name, blob = self.lines[0]
        want(name == self.origin and blob[:4] == key_id(name, 1, key), "a note whose first line is not its log's")
        ed25519_verify(key, self.text, blob[4:])

    def check_cosignature(self, at, name, key):
        have, blob = self.lines[at]
        want(have == name and blob[:4] == key_id(name, 4, key), f"line {at} is not a cosignature of {name}")
        time, = struct.unpack(">Q", blob[4:12])
        ed25519_verify(key, f"cosignature/v1\ntime {time}\n".encode() + self.text, blob[12:])
        return time


def verifier(text):
    name, identifier, key = text.split("+", 2)
    data = decode(key, 33)
    want(key_id(name, data[0], data[1:]).hex() == identifier, "a verifier key whose id is not its own")
    return name, data[0], data[1:]


class TlogProof:
    """c2sp.org/tlog-proof@v1"""

    def __init__(self, data):
        head, _, note = data.partition(b"\n\n")
        lines = head.decode().split("\n")
        want(lines[0] == "c2sp.org/tlog-proof@v1", "no tlog-proof")
        found = re.fullmatch("index (0|[1-9][0-9]*)", lines[1])
        want(found, "a tlog-proof without an index")
        self.index, self.path, self.note = int(found[1]), [decode(line, 32) for line in lines[2:]], Note(note)

    def check(self, data):
        check_inclusion(self.index, self.note.size, leaf_hash(data), self.path, self.note.root)


# records

class Entry:
    """A log entry: the record, its signature."""

    def __init__(self, data):
        self.data = data
        self.record, signature, rest = data.split(b"\n")
        want(rest == b"", "a log entry of another form")
        self.members = json.loads(self.record)
        blob = decode(signature.decode())
        want(blob[:10] == b"SSHSIG\0\0\0\1", "no SSHSIG of version 1")
        self.key, self.namespace, reserved, self.hash, value = strings(blob[10:])
        want(reserved == b"", "a reserved field that is not empty")
        kind, self.value = strings(value)
        want(kind == b"ssh-ed25519", "a signature of another kind")

    def check_signed(self, key):
        want(self.key == ssh_string(b"ssh-ed25519") + ssh_string(key), "a record signed by another key")
        want(self.namespace == b"chama-record" and self.hash in (b"sha512", b"sha256"), "a signature for another purpose")
        digest = hashlib.new(self.hash.decode(), self.record).digest()
        ed25519_verify(key, b"SSHSIG" + b"".join(map(ssh_string, (self.namespace, b"", self.hash, digest))), self.value)


def member_key(members, name):
    algorithm, _, value = members[name].partition(":")
    want(algorithm == "ed25519", f"a key of algorithm {algorithm}")
    return decode(value, 32)


class Keys:
    """An inception, and the rotations after it: each reveals the key that was committed to before, and is signed by it."""

    def __init__(self):
        self.states = []     # (from record, members)
        self.id = None

    def follow(self, entry):
        members = entry.members
        if not self.states:
            want(members["type"] == "inception/1" and members["seq"] == 0, "want an inception first")
            self.id = base64.b32encode(hashlib.sha256(entry.record).digest()).decode().lower().rstrip("=")
        else:
            want(members["type"] == "rotation/1" and members["node"] == self.id, "want rotations of the node after its inception")
            committed = "sha256:" + hashlib.sha256(members["signing"].encode()).hexdigest()
            want(committed == self.states[-1][1]["next"], "a rotation to a key that was not committed to")
        entry.check_signed(member_key(members, "signing"))
        self.states.append((members["seq"], members))

    def at(self, seq):
        return [members for since, members in self.states if since <= seq][-1]

    def origin(self):
        """Of the newest epoch: a recovery begins another."""
        epochs = [members["recovery"]["epoch"] for _, members in self.states if "recovery" in members]
        return f"chama/{self.id}/{epochs[-1]}" if epochs else f"chama/{self.id}"


class Lines:
    """The sections of a proof."""

    def __init__(self, data):
        self.data = data

    def line(self):
        line, _, self.data = self.data.partition(b"\n")
        return line

    def next_is(self, word):
        return self.data.startswith(word)

    def entry(self):
        return Entry(self.line() + b"\n" + self.line() + b"\n")

    def placed(self, word):
        """Index, entry, inclusion proof."""
        found = re.fullmatch(word + rb" (0|[1-9][0-9]*) (0|[1-9][0-9]*)", self.line())
        want(found, f"want a line {word.decode()}")
        entry = self.entry()
        want(entry.members["seq"] == int(found[1]), "an entry at another place than its own")
        return int(found[1]), entry, [decode(self.line().decode(), 32) for _ in range(int(found[2]))]


def read_witnesses(lines):
    """Name and key of each."""
    found = []
    while lines.next_is(b"witness ") or lines.next_is(b"verifier "):
        word, _, rest = lines.line().decode().partition(" ")
        if word == "verifier":
            name, algorithm, key = verifier(rest)
            want(algorithm == 4, "a witness by another algorithm")
            found.append((name, key))
            continue
        keys = Keys()
        for _ in range(int(rest)):
            keys.follow(lines.entry())
        found.append((f"chama/{keys.id}", member_key(keys.states[-1][1], "log")))
    return found


def check_shown(record, shown):
    document = json.loads(shown)
    if document["type"] == "content/1":
        want(record["content"] == "sha256:" + hashlib.sha256(shown).hexdigest(), "a content document of another version")
    else:
        sealed = hashlib.sha256(decode(document["salt"], 32) + decode(document["body"])).hexdigest()
        want(document["type"] == "opening/1" and record["digest"] == "sha256:" + sealed, "an opening of another record")
    return document["type"]


def check_proof(data):
    lines = Lines(data)
    want(lines.line() == b"chama-proof/1" and lines.line() == b"record", "no proof")
    record, keys, placed = lines.entry(), Keys(), []
    while lines.next_is(b"key "):
        placed.append(lines.placed(b"key"))
        keys.follow(placed[-1][1])
    if lines.next_is(b"profile "):
        placed.append(lines.placed(b"profile"))
        placed[-1][1].check_signed(member_key(keys.at(placed[-1][0]), "signing"))
    witnesses = read_witnesses(lines)
    shown = lines.line() == b"shown" and lines.line() if lines.next_is(b"shown\n") else None
    proof = TlogProof(lines.data)
    proof.check(record.data)
    want(record.members["seq"] == proof.index, "a record at another place than its own")
    record.check_signed(member_key(keys.at(proof.index), "signing"))
    for index, entry, path in placed:
        check_inclusion(index, proof.note.size, leaf_hash(entry.data), path, proof.note.root)
    want(proof.note.origin == keys.origin(), "a checkpoint of another log")
    proof.note.check_log(member_key(keys.states[-1][1], "log"))
    want(len(proof.note.lines) == 1 + len(witnesses), "want a witness for each cosignature")
    print(f"record {proof.index} of {proof.note.size} of {keys.id}: {record.members['type']}, by key {len(keys.states)} of its node")
    if shown:
        print(f"shown: {check_shown(record.members, shown)}")
    for at, (name, key) in enumerate(witnesses):
        print(f"seen by {name} at {proof.note.check_cosignature(at + 1, name, key)}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(arguments):
    try:
        if arguments[0] == "--tlog":
            proof, (name, algorithm, key) = TlogProof(read(arguments[1])), verifier(arguments[3])
            proof.check(read(arguments[2]))
            want(algorithm == 1 and proof.note.origin == name, "a checkpoint of another log")
            proof.note.check_log(key)
            print(f"leaf {proof.index} of {proof.note.size}")
        else:
            check_proof(read(arguments[0]))
    except (Wrong, ValueError, KeyError, IndexError, struct.error) as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
