"""What records say: manifests, details, content (manifests/FORMAT.md, part 2) and statements (part 3)."""

import re

from .canonical import Digest, parse_object, serialise
from .keys import node_digest
from .members import NAME, NODE_ID, Members, check_text
from .records import SIZE_MAX
from .report import want

SHARES = ("open", "conditional", "none")
DETAILS_MAX = 1024 * 1024
CONTENT_MAX = 1024
OPENING_MAX = SIZE_MAX // 3 * 4 + 512


def _read_title(members, name):
    """M4, S2."""
    title = Members(f"{members.what}: {name}: M4", members.take(name, dict))
    want("zh" in title or "en" in title, f"{members.what}: {name}: M4: want zh, en or both")
    for language in ("zh", "en"):
        title.text(language, 256, optional=True)
    title.done()


def _check_parameters(value):
    """M14: every name and string is text, lines allowed."""
    if isinstance(value, dict):
        for name, member in value.items():
            check_text("activity: M14: parameters", name, DETAILS_MAX, lines=True)
            _check_parameters(member)
    elif isinstance(value, list):
        for element in value:
            _check_parameters(element)
    elif isinstance(value, str):
        check_text("activity: M14: parameters", value, DETAILS_MAX, lines=True)


class Provenance:
    """M12-M16."""

    def __init__(self, members, inputs_max):
        self.labels = members.texts("labels", 64, 64)
        self.inputs = self._read_inputs(members, inputs_max)
        if "activity" in members:
            self._read_activity(members.take("activity", dict))
        self.evidence = members.texts("evidence", 16, 256)

    @staticmethod
    def _read_inputs(members, limit):
        if "inputs" not in members:
            return []
        inputs = members.take("inputs", list)
        want(1 <= len(inputs) <= limit, f"{members.what}: M13, M16: want 1 to {limit} inputs, have {len(inputs)}")
        for value in inputs:
            one = Members("input: M13", value)
            node, _, name = one.string("dataset").partition("/")
            want(NODE_ID.fullmatch(node) and NAME.fullmatch(name), "input: M13: want NODE/NAME as dataset")
            one.digest("manifest")
            one.text("role", 32)
            one.integer("version", 1)
            one.done()
        return inputs

    @staticmethod
    def _read_activity(value):
        want(len(serialise(value)) <= 4096, "activity: M14: want at most 4096 bytes")
        one = Members("activity: M14", value)
        one.text("kind", 64)
        one.take("observed", bool)
        one.text("tool", 256, optional=True)
        _check_parameters(one.take("parameters", dict, {}))
        one.done()


class Manifest:
    """M1-M16 of one record."""

    def __init__(self, record):
        members = Members("manifest", record.own)
        self.record = record
        self.name = members.string("name", NAME)
        self.version = members.integer("version", 1)
        self.previous = members.digest("previous") if self.version > 1 else None
        if "title" in members:
            _read_title(members, "title")
        self.message = members.text("message", 4096, lines=True, optional=True)
        members.text("level", 32, optional=True)
        self.share = members.choice("share", *SHARES)
        self.files, self.bytes = members.integer("files"), members.integer("bytes")
        self.content = self.listing = self.details = None
        if self.share == "open":
            self.listing, self.details = members.digest("listing"), members.digest("details")
            self.provenance = Provenance(members, 64)
        else:
            self.content = members.digest("content")
            for size in (self.files, self.bytes):
                want(size & size - 1 == 0, f"manifest: M9: {size} is no power of two")
        members.done()

    def __str__(self):
        return f"{self.name}@{self.version}"


def rounded(size):
    """M9: up to a power of two."""
    return 1 << (size - 1).bit_length() if size else 0


class Details:
    """M17."""

    COUNTS = ("bytes", "chunks", "files", "folders", "links")

    def __init__(self, data):
        members = Members("details: M17", parse_object(data, DETAILS_MAX))
        members.choice("type", "details/1")
        self.counts = {name: members.integer(name) for name in self.COUNTS}
        Provenance(members, 512)
        members.done()


class Content:
    """M18."""

    def __init__(self, data):
        members = Members("content: M18", parse_object(data, CONTENT_MAX))
        members.choice("type", "content/1")
        self.details, self.listing = members.digest("details"), members.digest("listing")
        want(len(members.base64("salt", 32)) == 32, "content: M18: want a salt of 32 bytes")
        members.done()


class Datasets:
    """M19: which manifests of a ledger count as versions.  In a sparse one versions are missing."""

    def __init__(self, sparse=False):
        self.sparse = sparse
        self.newest = {}
        self.versions = []

    def add(self, manifest):
        newest = self.newest.get(manifest.name)
        if newest and manifest.version == newest.version + 1:
            counts = manifest.previous == newest.record.address
        elif newest:
            counts = self.sparse and manifest.version > newest.version
        else:
            counts = self.sparse or manifest.version == 1
        if counts:
            self.newest[manifest.name] = manifest
            self.versions.append(manifest)
        return counts


_HOST = r"(?:[A-Za-z0-9.][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?::([1-9][0-9]{0,4}))?"
_PATH = r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
_ADDRESS = re.compile(f"(?:https://{_HOST}{_PORT}{_PATH})|(?:ssh://(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?{_HOST}{_PORT}{_PATH})")


def _check_address(address):
    """S5."""
    want(isinstance(address, str) and len(address) <= 256, "profile: S5: want an address of at most 256 bytes")
    found = _ADDRESS.fullmatch(address)
    want(found, f"profile: S5: {address!r} is no address")
    want(all(int(port) <= 65535 for port in found.groups() if port), f"profile: S5: {address!r}: want a port of at most 65535")


class Profile:
    """S2-S8."""

    def __init__(self, record):
        members = Members("profile", record.own)
        _read_title(members, "name")
        members.text("organisation", 256, optional=True)
        if "sector" in members:
            members.string("sector", "S(0[1-9]|1[0-9]|20)")
        if "division" in members:
            members.string("division", "[0-9]{2,12}")
        addresses, pins = members.take("addresses", list), members.take("pins", list)
        want(len(addresses) <= 8 and len(pins) <= 8, "profile: S5, S6: want at most 8 addresses and 8 pins")
        for address in addresses:
            _check_address(address)
        self.pins = [Digest.parse(pin) for pin in pins]
        roles = members.take("roles", list, [])
        want(len(roles) <= 8 and all(isinstance(role, str) and re.fullmatch("[a-z-]{1,32}", role) for role in roles),
             "profile: S7: want at most 8 words")
        self.ledger = members.choice("ledger", "peers", "relayed", "public")
        members.done()


class Sealed:
    """S9."""

    def __init__(self, record):
        members = Members("sealed: S9", record.own)
        self.digest = members.digest("digest")
        members.done()


class Grant:
    """S11, as a record (@members are its own) or a body."""

    def __init__(self, members, owner=None):
        if owner:
            want(members.choice("type", "grant/1") and members.string("node", NODE_ID) == owner,
                 "grant: S11: the owner is another node than the one whose ledger holds the sealed record")
        self.grantee = members.string("grantee", NODE_ID)
        node_digest(self.grantee)
        self.name = members.string("name", NAME)
        self.until = members.time("until")
        members.done()


class Revocation:
    """S12."""

    def __init__(self, record):
        members = Members("revocation: S12", record.own)
        self.of = members.digest("of")
        members.done()


class Anchor:
    """S28, S29."""

    def __init__(self, record):
        members = Members("anchor: S28", record.own)
        self.ledgers = [self._read(value) for value in members.take("ledgers", list)]
        members.done()
        want(1 <= len(self.ledgers) <= 128, f"anchor: S29: want 1 to 128 ledgers, have {len(self.ledgers)}")
        nodes = [node for node, _, _ in self.ledgers]
        want(nodes == sorted(set(nodes)) and record.node not in nodes, "anchor: S29: want ledgers of others by id, each once")

    @staticmethod
    def _read(value):
        members = Members("anchor: S28", value)
        ledger = members.string("node", NODE_ID), members.integer("size", 1), members.digest("root")
        members.done()
        want(ledger[1] <= 1_000_000_000, "anchor: S28: more records than a ledger may have")
        return ledger


class Opening:
    """S10, and what is in it."""

    def __init__(self, data):
        members = Members("opening: S10", parse_object(data, OPENING_MAX))
        members.choice("type", "opening/1")
        self.body, self.record = members.base64("body", SIZE_MAX), members.digest("record")
        self.salt = members.base64("salt", 32)
        want(len(self.salt) == 32, "opening: S10: want a salt of 32 bytes")
        members.done()
        self.object = parse_object(self.body, SIZE_MAX)
        want(isinstance(self.object.get("type"), str), "opening: S10: want a body with a type")

    def check(self, record):
        """S9 against the record in a verified ledger, and S11 if it is a grant."""
        want(record.address == self.record and record.type == "sealed/1", f"opening: S10: {self.record} is no sealed record")
        want(Digest.of(self.salt + self.body) == Sealed(record).digest, "opening: S9: salt and body do not give the record's digest")
        if self.object["type"] == "grant/1":
            Grant(Members("grant: S11", self.object), record.node)


def read_statement(record):
    """The document in @record, or None if version 1 does not know its type."""
    readers = {"manifest/1": Manifest, "profile/1": Profile, "sealed/1": Sealed, "revocation/1": Revocation, "anchor/1": Anchor,
               "grant/1": lambda record: Grant(Members("grant: S11", record.own))}
    reader = readers.get(record.type)
    return reader(record) if reader else None
