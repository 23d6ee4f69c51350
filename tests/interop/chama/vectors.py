"""The shared test vectors (tests/vectors.json) by this reader's own code."""

import json

from . import merkle
from .canonical import Digest, base64_decode, parse, serialise
from .keys import PublicKey, Signature, SignatureQueue, spoken_fingerprint
from .notes import open_note
from .report import Broken


def check_vectors(path, report):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    for name, check in (("jcs", _jcs), ("merkle", _merkle), ("checkpoint", _checkpoint), ("sshsig", _sshsig), ("spoken_fingerprint", _spoken)):
        if name in vectors:
            check(vectors[name], report)
        else:
            report.problem(f"vectors: {name} is missing")


def _expect(report, holds, message):
    if holds:
        report.count("vectors")
    else:
        report.problem(f"vectors: {message}")


def _jcs(vectors, report):
    text = vectors["key_order_is_utf16"].encode()
    _expect(report, serialise(json.loads(text)) == text, "jcs: C8: not written as the vector is")
    _expect(report, Digest.of(text).hex() == vectors["sha256"], "jcs: another digest")
    for refused in vectors["reject"]:
        try:
            parse(refused.encode(), 1024)
            report.problem(f"vectors: jcs: {refused!r} was not refused")
        except Broken:
            report.count("vectors")


def _merkle(vectors, report):
    tree = merkle.Tree()
    leaves = [merkle.leaf(bytes.fromhex(text)) for text in vectors["leaves_hex"]]
    roots = [tree.root()]
    for hashed in leaves:
        tree.add(hashed)
        roots.append(tree.root())
    _expect(report, [root.hex() for root in roots] == vectors["roots"], "merkle: other roots")
    for proof in vectors["inclusion"]:
        path = [bytes.fromhex(text) for text in proof["path"]]
        root = merkle.inclusion_root(proof["index"], proof["size"], leaves[proof["index"]], path)
        _expect(report, root == roots[proof["size"]], f"merkle: the proof of leaf {proof['index']} of {proof['size']} does not hold")


def _spoken(vector, report):
    _expect(report, spoken_fingerprint(Digest.parse(vector["of"])) == vector["digits"], "another spoken fingerprint")


def _checkpoint(vectors, report):
    name, _, encoded = vectors["log_vkey"].split("+", 2)
    key = PublicKey(base64_decode(encoded, 33)[1:])
    for note in ("note", "cosigned_note", "fork_same_size"):
        try:
            open_note(vectors[note].encode(), name, key)
            report.count("vectors")
        except Broken as broken:
            report.problem(f"vectors: checkpoint: {note}: {broken}")
    try:
        open_note(vectors["note"].replace("\n8\n", "\n9\n").encode(), name, key)
        report.problem("vectors: checkpoint: an altered note was not refused")
    except Broken:
        report.count("vectors")


def _sshsig(vector, report):
    signature = Signature.from_armour(vector["armored"])
    queue = SignatureQueue(report)
    queue.add("vectors: sshsig", signature.key, b"chama-record", vector["message_jcs"].encode(), signature)
    queue.run()
    _expect(report, signature.key.openssh() == vector["allowed_signers"].split(" ", 2)[2], "sshsig: another key")
    try:
        Signature.from_armour(vector["wrong_namespace"]).check_made_by(signature.key, b"chama-record")
        report.problem("vectors: sshsig: the wrong namespace was not refused")
    except Broken:
        report.count("vectors")
