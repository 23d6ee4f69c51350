"""ledger/1 (manifests/FORMAT.md, part 7): the tree and the commit that a batch of records must have."""

from .canonical import INTEGER_MAX, indented
from .members import NAME, check_text
from .report import Broken
from .repository import object_id

FILE, FOLDER = b"100644", b"40000"
DATASETS_MAX = 4096
MESSAGE_MAX = 4096


def components(seq):
    """G5: the path of a record."""
    return (f"{seq // 100000:04d}", f"{seq // 1000 % 100:02d}", f"{seq // 10 % 100:02d}", f"{seq:09d}.json")


def path_of(seq):
    return "records/" + "/".join(components(seq))


def _tree_id(entries):
    """@entries: name -> (mode, id).  Git sorts folders as if their names ended in a slash."""
    ordered = sorted(entries.items(), key=lambda entry: entry[0].encode() + (b"/" if entry[1][0] == FOLDER else b""))
    return object_id("tree", b"".join(mode + b" " + name.encode() + b"\0" + oid for name, (mode, oid) in ordered))


def shown_name(record):
    """G6: the dataset of a manifest, or None if there is nothing to show."""
    name = record.object.get("name")
    return name if record.type == "manifest/1" and isinstance(name, str) and NAME.fullmatch(name) else None


class Tree:
    """The tree as of the last record added (G4-G7)."""

    def __init__(self, identity):
        self.identity = identity            # the newest
        self.root = {}
        self.rotations = {}
        self.records = [{}, {}, {}, {}]     # the folders that the last record lies in, records/ first
        self.last = None
        self.datasets = {}

    def add(self, record, armour):
        names = components(record.seq)
        for level in (3, 2, 1):
            if self.last and names[:level] != self.last[:level]:
                self._close(level)
                self.records[level] = {}
        self.last = names
        self.records[3][names[3]] = (FILE, object_id("blob", record.data))
        self.records[3][names[3] + ".sig"] = (FILE, object_id("blob", armour.encode()))
        self._show(record)

    def _close(self, level):
        self.records[level - 1][self.last[level - 1]] = (FOLDER, _tree_id(self.records[level]))

    def _show(self, record):
        """G4, G6, G15."""
        if record.type in ("inception/1", "rotation/1"):
            self.root["allowed_signers"] = (FILE, object_id("blob", self.identity.at(record.seq).allowed_signers().encode()))
        if record.type == "rotation/1":
            self.rotations[f"{record.seq:09d}.json"] = (FILE, object_id("blob", indented(record.object)))
            self.root["rotations"] = (FOLDER, _tree_id(self.rotations))
        if record.type == "profile/1":
            self.root["profile.json"] = (FILE, object_id("blob", indented(record.object)))
        name = shown_name(record)
        if name and (name in self.datasets or len(self.datasets) < DATASETS_MAX):
            manifest = {"manifest.json": (FILE, object_id("blob", indented(record.object)))}
            self.datasets[name] = (FOLDER, _tree_id(manifest))
            self.root["datasets"] = None

    def id(self):
        for level in (3, 2, 1):
            self._close(level)
        self.root["records"] = (FOLDER, _tree_id(self.records[0]))
        if "datasets" in self.root and self.root["datasets"] is None:
            self.root["datasets"] = (FOLDER, _tree_id(self.datasets))
        return _tree_id(self.root).hex()


def _label(record):
    """G9."""
    version = record.object.get("version")
    if shown_name(record) and type(version) is int and 1 <= version <= INTEGER_MAX:
        return f"{record.seq} {shown_name(record)}@{version}"
    return f"{record.seq} {record.type}"


def _message(record):
    message = record.object.get("message")
    try:
        check_text("message", message, MESSAGE_MAX, lines=True)
    except Broken:
        return ""
    if not shown_name(record):
        return ""
    return "".join(f"{'    ' if line else ''}{line}\n" for line in message.split("\n"))


def commit_text(tree, parent, records):
    """G8-G11: the commit without its signature, as the part before where that stands and the part after."""
    first, last = records[0], records[-1]
    person = f"{last.node} <{last.node}@chama.invalid> {last.time} +0000"
    header = f"tree {tree}\n" + (f"parent {parent}\n" if parent else "") + f"author {person}\ncommitter {person}\n"
    subject = _label(first) if len(records) == 1 else f"{first.seq}-{last.seq} ({len(records)} records)"
    body = "".join(f"{_label(record)} {record.address}\n{_message(record)}" for record in records)
    return header.encode(), f"\n{subject}\n\n{body}".encode()
