"""Reads the output of `strace -f -y -s 64` of one chama command and checks the order in which it made things durable.

    fsync_order.py publish|sync|serve|get TRACE HOME     (of get: the folder in place of HOME)

Prints "ok - ..." and "not ok - ..." lines."""
import re
import sys

CALL = re.compile(r"^(?:\[pid +)?(\d+)\]? +(\w+)\((.*)$")
RESUMED = re.compile(r"^(?:\[pid +)?(\d+)\]? +<\.\.\. (\w+) resumed>(.*)$")


def calls(path):
    """(line, name, text) of each call that succeeded, in the order in which they ended."""
    begun = {}
    for number, line in enumerate(open(path, errors="replace"), 1):
        line = line.rstrip("\n")
        match = RESUMED.match(line)
        if match:
            pid, name, rest = match.groups()
            text = begun.pop((pid, name), "") + rest
        else:
            match = CALL.match(line)
            if not match:
                continue
            pid, name, text = match.groups()
            if text.endswith("<unfinished ...>"):
                begun[pid, name] = text[: -len("<unfinished ...>")]
                continue
        result = re.search(r"= (-?\d+)", text[text.rfind(")"):])
        if result and not result.group(1).startswith("-"):
            yield number, name, text


class Trace:
    def __init__(self, path, home):
        self.home = home
        self.calls = list(calls(path))
        self.bad = 0

    def where(self, pattern, first=True, after=0):
        """The place (index) of the first or last call whose "name(text" matches; None if there is none."""
        regex = re.compile(pattern)
        found = [i for i, (_, name, text) in enumerate(self.calls) if i >= after and regex.search(name + "(" + text)]
        return (found[0] if first else found[-1]) if found else None

    def say(self, good, what, detail=""):
        print(("ok - " if good else "not ok - ") + what + ("" if good else ": " + detail))
        self.bad += not good

    def order(self, steps):
        """Each (what, place) must be there, and after the one before."""
        for (what, place), (before, place_before) in zip(steps[1:], steps):
            if place is None or place_before is None:
                self.say(False, "%s, then %s" % (before, what), "%s is missing" % (what if place is None else before))
            else:
                self.say(place > place_before, "%s, then %s" % (before, what), "the second came first (lines %d, %d)"
                         % (self.calls[place_before][0], self.calls[place][0]))


SYNC = r"^(?:fsync|fdatasync|msync)\("
MOVE = r"^(?:rename|link)\w*\("  # libgit2 links a ref that is new
LMDB = r"^(?:fdatasync\(\d+<[^>]*/store/index/data\.mdb|msync\()"


def commit_of_ledger(t, ledger, after=0):
    ref = re.escape(ledger) + r"/refs/heads/main"
    return [
        ("the git pack is fsynced", t.where(SYNC + r"\d+<" + re.escape(ledger) + r"/objects/pack/", after=after)),
        ("the folder of git packs is fsynced", t.where(SYNC + r"\d+<" + re.escape(ledger) + r"/objects/pack>", after=after)),
        ("the ref is written and fsynced", t.where(SYNC + r"\d+<" + ref + r"\.lock", after=after)),
        ("the ref is renamed into place", t.where(MOVE + ".*" + ref + r"\.lock.*" + ref + r'"', after=after)),
        ("the folder of refs is fsynced", t.where(SYNC + r"\d+<" + re.escape(ledger) + r"/refs/heads>", after=after)),
    ]


def publish(t):
    packs = re.escape(t.home + "/store/packs")
    written = t.where(r"^p?writev?(?:64)?\(\d+<" + packs + r"/[^>]*\.pack>", first=False)
    report = t.where(r'^write\(1<.*data@')
    indexed = t.where(LMDB, first=False)
    steps = [
        ("the last byte of the pack is written", written),
        ("the pack is fsynced", t.where(SYNC + r"\d+<" + packs + r"/[^>]*\.pack>", first=False)),
        ("the index is synced", indexed),
        # Its first sync after that: SQLite moves the log into the file as it closes.
        ("state.sqlite is synced", t.where(SYNC + r"\d+<[^>]*/state\.sqlite-wal>", after=indexed or 0)),
    ] + commit_of_ledger(t, t.home + "/ledger.git") + [("the report is on stdout", report)]
    t.order(steps)
    created = t.where(r"^openat\(.*" + packs + r'/[^"]*\.pack", [^)]*O_CREAT')
    folder = t.where(SYNC + r"\d+<" + packs + r">")
    index = t.where(LMDB, first=False)
    t.order([("the pack is created", created), ("the folder of packs is fsynced", folder), ("the index is synced", index)])
    hashes = t.where(SYNC + r"\d+<[^>]*/log/own/hashes>")
    t.order([("the Merkle hashes are fsynced", hashes), ("the ref is renamed into place", steps[7][1])])


def sync(t):
    ledger = t.where(MOVE + r".*/ledgers/\w+\.git/refs/heads/main\.lock")
    t.say(ledger is not None, "the peer's ledger is committed", "no rename of its ref")
    path = re.search(r"(/[^\"]*/ledgers/\w+\.git)/refs", t.calls[ledger][2]).group(1) if ledger is not None else "none"
    commit = commit_of_ledger(t, path)
    t.order(commit)
    hashes = t.where(SYNC + r"\d+<[^>]*/log/\w{52}/hashes>")
    t.order([("the Merkle hashes are fsynced", hashes), ("the ref is renamed into place", commit[3][1])])
    packs = re.escape(t.home + "/store/packs")
    written = t.where(r"^p?writev?(?:64)?\(\d+<" + packs + r"/[^>]*\.pack>", first=False)
    t.order([
        ("the ledger is committed", commit[4][1]),
        ("content arrives in a pack", t.where(r"^p?writev?(?:64)?\(\d+<" + packs + r"/[^>]*\.pack>", after=commit[4][1] or 0)),
        ("its last byte is written", written),
        ("the pack is fsynced", t.where(SYNC + r"\d+<" + packs + r"/[^>]*\.pack>", first=False)),
        ("the index is synced", t.where(LMDB, first=False)),
        ("state.sqlite says that the version is held", t.where(SYNC + r"\d+<[^>]*/state\.sqlite-wal>", after=t.where(LMDB, first=False) or 0)),
        ("the report is on stdout", t.where(r"^write\(1<.*versions")),
    ])


def serve(t):
    """A checkpoint is kept before it leaves."""
    kept = t.where(r"^rename\w*\(.*/log/own/checkpoint\.tmp")
    folder = t.where(SYNC + r"\d+<[^>]*/log/own>", after=kept or 0)
    t.order([
        ("a new checkpoint is written and fsynced", t.where(SYNC + r"\d+<[^>]*/log/own/checkpoint\.tmp")),
        ("it is renamed into place", kept),
        ("its folder is fsynced", folder),
        ("the answer leaves on the socket", t.where(r"^(?:send|sendto|sendmsg|write|writev)\(\d+<(?:socket|TCP)[^>]*>", after=folder or 0)),
    ])
    # Between the request that made it and that sync nothing as large as an answer may leave.
    asked = t.where(r"^openat\(.*/log/own/checkpoint\.tmp")
    early = [i for i in range(asked or 0, folder or 0) if re.match(r"^(?:send|sendto|sendmsg|write|writev)$", t.calls[i][1])
             and re.match(r"\d+<(?:socket|TCP)", t.calls[i][2])]
    t.say(asked is not None and not early, "nothing leaves between signing it and keeping it", "%d writes on a socket" % len(early))


def get(t):
    """All is durable before any of it has its place; what was synced on the way there was by a description of its own, so that the last sync is told of
    every failure."""
    folder = re.escape(t.home)
    stage = r"\d+<" + folder + r"/\.chama-[0-9a-f]{16}\.tmp"
    written = t.where(r"^pwrite64\(" + stage + r"/", first=False)
    synced = t.where(r"^syncfs\(" + stage + ">", first=False)
    placed = t.where(r"^renameat2\(" + stage + ">")
    t.order([
        ("something is synced while more is written", t.where(r"^syncfs\(" + stage + ">")),
        ("the last byte is written", written),
        ("all is synced", synced),
        ("the first file has its place", placed),
        ("the folder is fsynced", t.where(SYNC + r"\d+<" + folder + ">", after=placed or 0)),
    ])
    descriptions = [text.split("<")[0] for _, name, text in t.calls if name == "syncfs"]
    t.say(bool(descriptions) and descriptions[-1] not in descriptions[:-1], "the last sync is told of every failure", "by descriptor: %s" % descriptions)


def main():
    what, path, home = sys.argv[1:]
    t = Trace(path, home)
    {"publish": publish, "sync": sync, "serve": serve, "get": get}[what](t)
    return 1 if t.bad else 0


sys.exit(main())
