"""C2SP signed notes and checkpoints (manifests/FORMAT.md, part 8, T1-T8), cosignatures (T11-T14)."""

import hashlib
import re

from .canonical import base64_decode, parse_time
from .keys import PublicKey, verify_raw
from .merkle import EMPTY
from .report import Broken, want

NOTE_MAX = 64 * 1024
SIGNATURES_MAX = 64
SIGNATURE_MAX = 4096
ED25519 = b"\1"
COSIGNATURE = b"\4"


def key_id(name, key, algorithm=ED25519):
    """T2."""
    return hashlib.sha256(name.encode() + b"\n" + algorithm + key.data).digest()[:4]


def verifier(text):
    """A verifier key: its name, algorithm and key (T2)."""
    name, number, coded = text.split("+", 2)
    data = base64_decode(coded, SIGNATURE_MAX)
    key = PublicKey(data[1:])
    want(key_id(name, key, data[:1]).hex() == number, f"verifier key: T2: {number} is not the id of this name and key")
    return name, data[:1], key


def cosigned_at(data, vkey):
    """When the witness cosigned a note, by openssl (T11-T14); None if it did not."""
    name, algorithm, key = verifier(vkey)
    want(algorithm == COSIGNATURE, "cosignature: T11: want a key of algorithm 4")
    text, signatures = _take_apart(data)
    ours = [blob[4:] for signer, blob in signatures if signer == name and blob[:4] == key_id(name, key, COSIGNATURE)]
    if not ours:
        return None
    want(len(ours[0]) == 72, "cosignature: T11: want a time and a signature")
    time = int.from_bytes(ours[0][:8], "big")
    want(0 < time < 2**63, "cosignature: T13: no time")
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    want(verify_raw(key, message, ours[0][8:]), f"cosignature: T14: openssl says that the cosignature of {name} does not hold")
    return time


def _take_apart(data):
    """The text of a note and its signature lines, none of them verified (T1, T3, T4)."""
    want(len(data) <= NOTE_MAX, f"note: T1: want at most {NOTE_MAX} bytes, have {len(data)}")
    try:
        note = data.decode()
    except UnicodeDecodeError as error:
        raise Broken(f"note: T1: {error}") from error
    want(not re.search("[\0-\x09\x0b-\x1f]", note), "note: T1: a control character")
    text, empty, lines = note.rpartition("\n\n")
    want(empty and lines.endswith("\n"), "note: T3: want a text, an empty line and signature lines")
    text += "\n"
    signatures = [_read_line(line) for line in lines[:-1].split("\n")]
    want(len(signatures) <= SIGNATURES_MAX, f"note: T3: want at most {SIGNATURES_MAX} signatures")
    return text, signatures


def open_note(data, name, key):
    """The text of a note that @key signed under @name (T1-T5)."""
    text, signatures = _take_apart(data)
    ours = [blob[4:] for signer, blob in signatures if signer == name and blob[:4] == key_id(name, key)]
    want(ours, f"note: T5: want a signature of {name}, have none")
    want(len(ours[0]) == 64 and verify_raw(key, text.encode(), ours[0]), f"note: T5: openssl says that the signature of {name} does not hold")
    return text


def _read_line(line):
    """T4: "— NAME BASE64"."""
    found = re.fullmatch("— ([^\\s+]+) ([A-Za-z0-9+/=]+)", line)
    want(found, f"note: T4: {line!r} is no signature line")
    blob = base64_decode(found[2], SIGNATURE_MAX)
    want(len(blob) >= 5, "note: T4: want a key id and a signature")
    return found[1], blob


class Checkpoint:
    """T6, T7."""

    def __init__(self, data, identity):
        then = identity.at(max(self._claimed_size(data) - 1, 0))
        self.origin = f"chama/{then.id}" + (f"/{then.epoch}" if then.epoch else "")
        lines = open_note(data, self.origin, then.log).removesuffix("\n").split("\n")
        want(len(lines) >= 3, "checkpoint: T6: want origin, size and root")
        want(lines[0] == self.origin, f"checkpoint: T6: want origin {self.origin}, have {lines[0]!r}")
        want(re.fullmatch("0|[1-9][0-9]*", lines[1]) and int(lines[1]) < 2**63, f"checkpoint: T6: {lines[1]!r} is no size")
        self.size, self.root = int(lines[1]), base64_decode(lines[2], 32)
        want(len(self.root) == 32, "checkpoint: T6: want a root of 32 bytes")
        want(self.size or self.root == EMPTY, "checkpoint: T6: another root than that of the empty tree")
        want(all(lines[3:]), "checkpoint: T7: an empty extension line")
        times = [line.removeprefix("time ") for line in lines[3:] if line.startswith("time ")]
        want(len(times) <= 1, "checkpoint: T7: want one time line")
        self.time = parse_time(times[0]) if times else None

    @staticmethod
    def _claimed_size(data):
        """N13: how many records it speaks of says which key must have signed it."""
        found = re.match(b"[^\n]*\n([0-9]{1,19})\n", data)
        return int(found[1]) if found else 2**63
