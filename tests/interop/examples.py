"""The examples of the format documents, taken out of them and checked by what stands beside them: examples.py FOLDER-OF-THE-PROJECT."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys

from chama.canonical import serialise
from chama.keys import Identity, PublicKey, Signature, SignatureQueue
from chama.listing import Page
from chama.notes import key_id, open_note
from chama.records import Record
from chama.report import Report


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def one(pattern, text, flags=0):
    found = re.findall(pattern, text, flags)
    assert len(found) == 1, f"want one {pattern}, have {len(found)}"
    return found[0]


def git_object(kind, data):
    return subprocess.run(["git", "hash-object", "-t", kind, "--stdin"], input=data, check=True, capture_output=True).stdout.decode().strip()


def dump(block):
    """The bytes of lines of hexadecimal digits, each with a comment after two spaces."""
    rows = (re.match(r" *((?:(?:[0-9a-f]{2})+ )*(?:[0-9a-f]{2})+)(?:  .*)?$", line) for line in block.splitlines())
    return b"".join(bytes.fromhex(row[1]) for row in rows if row)


def identity_canonical(identity, form, protocol):
    compact = one(r'\n    (\{"a":\[1,.*\})\n', identity)
    assert one(r"its address is `(sha256:[0-9a-f]{64})`", identity) == sha256(compact.encode())
    assert serialise(json.loads(compact)) == compact.encode()
    indented = one(r'\n    (\{\n      "a": \[\n.*?\n    \})\n', identity, re.S).replace("\n    ", "\n")
    assert json.dumps(json.loads(compact), ensure_ascii=False, indent=2) == indented


def identity_inception(identity, form, protocol):
    inception = "".join(one(r'\n    (\{"encryption":[^{}]*"inception/1"\})\n', identity, re.S).split())
    node = Identity(inception.encode())
    assert one(r"id +([a-z2-7]{52})\n", identity) == node.id
    assert one(r"spoken fingerprint +([0-9 ]{47})\n", identity) == node.spoken_fingerprint()
    assert f'"next":"{sha256(one(r"next key +(ed25519:.{44})", identity).encode())}"' in inception


def identity_rotation(identity, form, protocol):
    """The record of part 8 is 738 bytes, continues the inception of part 4, and the keys of both signed what they should."""
    inception = Record("".join(one(r'\n    (\{"encryption":[^{}]*"inception/1"\})\n', identity, re.S).split()).encode())
    text = "".join(identity.split("## Part 8: keys over time")[1].split("(on one line of 738 bytes)")[0].split())
    record = Record(text.encode())
    assert len(text) == 738
    record.check_continues(1, inception, inception.identity)
    keys = record.identity_after(inception.identity)
    queue = SignatureQueue(Report())
    keys.queue_endorsement(queue, record)
    queue.run()
    assert queue.report.counts["signatures of chama-rotation"] == 1 and not queue.report.problems


def identity_keys(identity, form, protocol):
    key = PublicKey.parse(one(r"\n    (ed25519:.{44}) +in records", identity))
    assert key.openssh() == one(r"\n    (ssh-ed25519 \S+) ", identity)
    armour = one(r"(-----BEGIN SSH SIGNATURE-----\n.*?-----END SSH SIGNATURE-----\n)", identity, re.S)
    Signature.from_armour(armour).check_made_by(key, b"chama-record")


def identity_seal(identity, form, protocol):
    body = one(r'\n    (\{"grantee":.*\})\n', identity)
    assert one(r"the digest is `(sha256:[0-9a-f]{64})`", identity) == sha256(bytes(range(32)) + body.encode())


def format_record(identity, form, protocol):
    record = one(r'```\n(\{"name_en":"Forestry Bureau","node".*\})\n```', form)
    assert len(record) == int(one(r"SHA-256 of these (\d+) bytes", form))
    assert one(r"SHA-256 of these \d+ bytes: `(sha256:[0-9a-f]{64})`", form) == sha256(record.encode())


def format_listing(identity, form, protocol):
    page = dump(one(r"```\n(63686c31 00 01 05 .*?)```", form, re.S))
    assert len(page) == int(one(r"Five entries, one page of (\d+) bytes", form))
    assert one(r"so the root, is `(sha256:[0-9a-f]{64})`", form) == sha256(page)
    Page(page)
    empty = re.search(r"`([0-9a-f ]+)`, root `(sha256:[0-9a-f]{64})`", form)
    assert empty[2] == sha256(bytes.fromhex(empty[1]))


def format_commit(identity, form, protocol):
    commit = one(r"```\n(tree [0-9a-f]{40}\n.*?)```", form, re.S)
    assert one(r"third commit, `([0-9a-f]{40})`", form) == git_object("commit", commit.encode())


def format_checkpoint(identity, form, protocol):
    note = one(r"```\n(chama/[a-z2-7]{52}\n\d+\n.*?)```", form, re.S)
    name, number, encoded = one(r"`(chama/[a-z2-7]{52}\+[0-9a-f]{8}\+\S+?)`", form).split("+", 2)
    key = PublicKey(base64.b64decode(encoded)[1:])
    assert key_id(name, key).hex() == number
    assert open_note(note.encode(), name, key).startswith(name + "\n")


def protocol_invite(identity, form, protocol):
    line, check = one(r"\n    (chama://\S+)&check=([0-9a-f]{8})\n", protocol)
    assert hashlib.sha256(line.encode()).hexdigest()[:8] == check


def main(folder):
    documents = [open(os.path.join(folder, path), encoding="utf-8").read()
                 for path in ("keys/IDENTITY.md", "manifests/FORMAT.md", "sync/PROTOCOL.md")]
    for check in (identity_canonical, identity_inception, identity_rotation, identity_keys, identity_seal, format_record, format_listing, format_commit,
                  format_checkpoint, protocol_invite):
        try:
            check(*documents)
            print(f"ok - {check.__name__}")
        except Exception as error:  # pylint: disable=broad-except
            print(f"not ok - {check.__name__}: {error!r}")


main(sys.argv[1])
