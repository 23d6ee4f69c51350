"""Records and log entries (manifests/FORMAT.md, part 1, R1-R9)."""

import base64
import re

from .canonical import Digest, parse_object
from .keys import Identity, Rotation, Signature
from .members import Members, NODE_ID
from .report import Unknown, want

SIZE_MAX = 32 * 1024
SEQ_MAX = 999_999_999
TYPE_MAX = 63


class Record:
    """One record, everything about its bytes alone checked (R1, R3, R4); verify() does the rest."""

    def __init__(self, data):
        want(len(data) <= SIZE_MAX, f"record: R1: want at most {SIZE_MAX} bytes, have {len(data)}")
        self.data = data
        self.address = Digest.of(data)
        self.object = parse_object(data, SIZE_MAX)
        members = Members("record", self.object)
        self.type = members.string("type")
        want(len(self.type) <= TYPE_MAX and re.fullmatch("[a-z][a-z0-9-]*/[1-9][0-9]*", self.type), f"record: R3: {self.type!r} is no type")
        self.seq = members.integer("seq")
        want(self.seq <= SEQ_MAX, f"record: R4: want at most {SEQ_MAX} as seq")
        self.time = members.time("time")
        self.identity = None
        if self.type == "inception/1":
            self.identity = Identity(data)
            self.node = self.identity.id
            return
        if self.type.startswith(("inception/", "rotation/")) and self.type != "rotation/1":
            raise Unknown(f"record: R3: {self.type} changes keys in a way that version 1 does not know")
        want(self.seq > 0, "record: R4: want an inception as seq 0")
        self.node = members.string("node", NODE_ID)
        self.prev = members.digest("prev")
        self.own = members.left

    def check_continues(self, seq, before, identity):
        """R5-R7: @before is the record before, None for an inception."""
        want(self.seq == seq, f"record {seq}: R5: want seq {seq}, have {self.seq}")
        want((before is None) == (self.identity is not None), f"record {seq}: R4: an inception and nothing else begins a ledger")
        if before:
            want(self.prev == before.address, f"record {seq}: R6: want prev {before.address}, have {self.prev}")
            want(self.node == identity.id, f"record {seq}: R7: want node {identity.id}, have {self.node}")

    def entry(self, signature):
        """R2: the log entry."""
        return self.data + b"\n" + base64.b64encode(signature.blob) + b"\n"


    def identity_after(self, before):
        """The keys from here on: those of an inception or rotation itself, else those before."""
        return self.identity or (Rotation(self, before) if self.type == "rotation/1" else before)


def queue_signature(queue, record, identity, armour):
    """R8, R9, N10: @identity is what counts from this record on.  Says at once what is wrong with the signature's form, and leaves the rest to @queue."""
    signature = Signature.from_armour(armour)
    signature.check_made_by(identity.signing, b"chama-record")
    queue.add(f"record {record.seq}", identity.signing, b"chama-record", record.data, signature)
    if record.type == "rotation/1":
        identity.queue_endorsement(queue, record)
    return signature
