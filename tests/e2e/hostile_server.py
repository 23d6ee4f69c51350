"""For 31-hostile-server.sh: CHAMA FOLDER.  A node syncs with peers that lie; "v" in FOLDER is its home, copied for each of them."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys

# pylint: disable=wildcard-import,unused-wildcard-import
from hostile import *

CHAMA, FOLDER = sys.argv[1:3]
MEMORY_MAX = 96 * 1024      # KiB: what the program takes on its worst day here
DATA = b"q" * 5000
PAGE, ENTRY = leaf_page([file_item(b"a", [(sha256(DATA), len(DATA))])])
_zstd = ctypes.CDLL("libzstd.so.1")
_zstd.ZSTD_compress.restype = ctypes.c_size_t
count = 0


def compressed(data):
    room = ctypes.create_string_buffer(len(data) + 1000)
    size = _zstd.ZSTD_compress(room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), 9)
    return room.raw[:size]


def run(home, *words, seconds=60):
    """Exit status, all that was said, KiB at most."""
    usage = os.path.join(FOLDER, "usage")
    done = subprocess.run([sys.executable, "-c", "import os, subprocess, resource, sys\n"
                           "status = subprocess.run(sys.argv[2:]).returncode\n"
                           "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
                           "sys.exit(status)", usage, CHAMA, "--home", home, *words], capture_output=True, text=True, timeout=seconds, check=False)
    with open(usage, encoding="ascii") as file:
        return done.returncode, done.stdout + done.stderr, int(file.read())


def tell(good, what, *more):
    print(f"{'ok' if good else 'not ok'} - {what}", *("\n    " + str(line) for line in ([] if good else more)), sep="", flush=True)


def lie(what, prepare, status, words, whole=True, most=MEMORY_MAX):
    """A fresh node syncs with a fresh liar, whom @prepare taught what to say; the home and the liar."""
    global count
    count += 1
    home = os.path.join(FOLDER, f"v{count}")
    shutil.copytree(os.path.join(FOLDER, "v"), home)
    liar = Mallory(FOLDER)
    liar.whole = whole
    prepare(liar)
    run(home, "peer", "add", liar.invite)
    have, said, memory = run(home, "sync")
    tell(have == status and words in said and memory < most, f"{what}: {words or 'taken'}", f"want exit {status}, have {have}", f"{memory} KiB", said)
    return home, liar


def records(answer, more=2):
    def prepare(liar):
        for _ in range(more):
            liar.node.add("note/1")
        liar.overrides[f"/v1/ledgers/{liar.node.id}/records"] = lambda query, body: answer(liar.node, [liar.node.batch(i) for i in range(2 + more)])
    return prepare


def of_another(_node, _batches):
    other = Node()
    for _ in range(3):
        other.add("note/1")
    return other.records_stream()


def one_of_another(_node, batches):
    other = Node()
    other.add("note/1")
    return batches[0] + other.batch(1)


def other_commit(node, batches):
    return batches[0] + b"batch 1 1 " + base64.b64encode(node.batches[2].blob) + b"\n" + node.entry(1) + batches[2] + batches[3] + b"end\n"


def ledgers():
    lie("records out of order", records(lambda n, b: b[0] + b[2] + b[1] + b[3] + b"end\n"), 3, "want a batch from record 1 to at most 4, have 1 from 2")
    lie("a record left out", records(lambda n, b: b[0] + b[1] + b[3] + b"end\n"), 3, "want a batch from record 2 to at most 4, have 1 from 3")
    lie("a record twice", records(lambda n, b: b[0] * 2), 3, "want a batch from record 1 to at most 4, have 1 from 0")
    lie("a stream cut off", records(lambda n, b: b"".join(b)), 3, "W12: want an end line")
    lie("fewer than offered", records(lambda n, b: b"".join(b[:3]) + b"end\n"), 3, "want 4 records as offered, have 3")
    lie("something after the end", records(lambda n, b: b"".join(b) + b"end\nmore"), 3, "W12: want nothing after end")
    lie("a record of another node", records(one_of_another), 3, "R7: want node")
    lie("another ledger", records(of_another), 3, "want the inception of")
    lie("a commit signed for others", records(other_commit), 3, "G10: signature: K4")
    lie("a line without end", records(lambda n, b: (b"x" * 65536 for _ in range(2000))), 3, "W8: want a line of at most 2048 bytes")
    lie("a record that is too long", records(lambda n, b: b[0].split(b"\n")[0] + b"\n" + b"y" * 40000), 3, "W8: want a line of at most 32768 bytes")
    lie("a record spelt otherwise", records(lambda n, b: b[0].split(b"\n")[0] + b"\n{ }\nAAAA\nend\n"), 3, "C8: want the canonical spelling")


def offers():
    def offer(change):
        def prepare(liar):
            liar.node.add("note/1")
            liar.reply_more["ledgers"] = [liar.offer(**change(liar.node))]
        return prepare

    def note_of_another(_node):
        other = Node()
        other.add("note/1")
        other.add("note/1")
        return {"checkpoint": other.note()}

    lie("a checkpoint of fewer records", offer(lambda n: {"checkpoint": n.note(size=2)}), 3, "want a checkpoint of 3 records, have one of 2")
    lie("a checkpoint of another root", offer(lambda n: {"checkpoint": n.note(root=b"r" * 32)}), 3, "its first 3 records are not those of its checkpoint")
    lie("a checkpoint of another node", offer(note_of_another), 3, "T5: want a signature of chama/")
    lie("more than the quota", offer(lambda n: {"size": 2**53 - 1}), 3, "want at most 1000000 records, have 9007199254740991")

    def reply(make):
        return lambda liar: liar.overrides.__setitem__("/v1/exchange", lambda query, body: make(liar))

    lie("an endless reply", reply(lambda l: (b" " * 65536 for _ in range(2000))), 3, "want at most 1048576 bytes")
    lie("a reply spelt otherwise", reply(lambda l: l.reply() + b"\n"), 3, "C8: want the canonical spelling")
    lie("a deep reply", reply(lambda l: b"[" * 500000), 3, "C2: want a depth of at most 16")
    lie("a reply as another node", reply(lambda l: l.reply(node=Node().id)), 3, "want node ")
    lie("a redirect", reply(lambda l: (302, b"")), 1, "the peer answers with status 302")
    lie("an endless problem", reply(lambda l: (500, (b"x" * 65536 for _ in range(2000)))), 3, "want at most 16384 bytes that say what is wrong")
    lie("a problem that paints", reply(lambda l: (400, canonical({"code": "fork", "detail": "\x1b[31m\u202eevil", "status": 400}))), 3, "answers: ?[31m?evil")
    lie("our own ledger from elsewhere", lambda l: l.reply_more.update(yours={"checkpoint": l.node.note(), "node": l.node.id, "size": 9}), 3,
        "want what the peer holds of our ledger, have that of")


def sparse():
    def stream(make):
        def prepare(liar):
            liar.node.add("note/1")
            liar.overrides[f"/v1/ledgers/{liar.node.id}/sparse"] = lambda query, body: make(liar.node)
        return prepare

    lie("open part: out of order", stream(lambda n: n.sparse_stream(kept=[0, 2, 1])), 3, "Z4: want entries of", whole=False)
    lie("open part: without inception", stream(lambda n: n.sparse_stream(kept=[1, 2])), 3, "Z2: want the inception first", whole=False)
    lie("open part: proofs of another tree", stream(lambda n: n.sparse_stream(note=n.note(root=b"r" * 32))), 3, "T9: the inclusion proof", whole=False)

    # I3 from the first checkpoint on: whoever shows strangers one history and peers another is found out, though its own whole ledger is taken (PU31).
    def two_faced(change):
        home, liar = lie("open part: taken", stream(lambda n: n.sparse_stream()), 0, "the open part of its ledger of 3 records", whole=False)
        seed = secrets.token_bytes(32)
        liar.whole = True
        change(liar, seed)
        return home, liar, run(home, "sync")

    def fork(liar, _seed):
        first = liar.node
        liar.node.records, liar.node.signatures, liar.node.batches = first.records[:1], first.signatures[:1], first.batches[:1]
        liar.node.tree, liar.node.parent = projection.Tree(first.identity), ""
        liar.node.tree.add(first.records[0], first.signatures[0].armour())
        before, after = projection.commit_text(liar.node.tree.id(), "", first.records[:1])
        header = b"gpgsig " + first.batches[0].armour().removesuffix("\n").replace("\n", "\n ").encode() + b"\n"
        liar.node.parent = hashlib.sha1(b"commit %d\0" % len(before + header + after) + before + header + after).hexdigest()
        liar.node.profile(liar.pin, "https://" + liar.server.host)
        for _ in range(3):
            liar.node.add("note/1", text="another history")

    def shrink(liar, seed):
        fork(liar, seed)
        for kept in (liar.node.records, liar.node.signatures, liar.node.batches):
            del kept[2:]

    for what, change, words, size in (("another history for peers", fork, "PU31: two histories: its first 3 records are not those whose open part was held here", 5),
                                      ("fewer records for peers", shrink, "PU31: rolled back: its open part was one of 3 records, its owner has 2", 2)):
        home, liar, (status, said, _) = two_faced(change)
        tell(status == 3 and words in said, f"{what}: {words}", status, said)
        tell("ALARM" in run(home, "status")[1], f"{what}: an alarm", run(home, "status")[1])
        tell(f'"records": {size},' in run(home, "status", "--json")[1], f"{what}: the owner's whole ledger is held", run(home, "status", "--json")[1])
        tell(not os.path.exists(os.path.join(home, "sparse", liar.node.id, "stream")), f"{what}: and its open part no more")
        said = run(home, "sync")[1]
        tell(words not in said, f"{what}: said once", said)


def publishing(pages=None, chunks=None, document=None, root=None, **members):
    def prepare(liar):
        liar.publish("one", root or sha256(PAGE), document or details(1, 5000, 1), pages or frame(2, PAGE), chunks or frame(1, DATA), **members)
    return prepare


def content():
    home, _ = lie("what is right", publishing(), 0, "1 versions")
    tell(run(home, "verify")[0] == 0, "what is right verifies")
    lie("zstd", publishing(chunks=frame(1, compressed(DATA), plain=5000, codec=1)), 0, "1 versions")
    lie("details and manifest differ", publishing(bytes=6000), 3, "want 1 files and 6000 bytes as in the manifest")
    lie("details and listing differ", publishing(document=details(2, 6000, 2)), 3, "its root does not hold what the details say")
    lie("another page", publishing(pages=frame(2, PAGE[:-1] + b"x")), 3, "P14: want sha256:")
    lie("a chunk for a page", publishing(pages=frame(1, PAGE)), 3, "want an object of kind 2, have kind 1")
    lie("more pages than asked for", publishing(pages=frame(2, PAGE) * 2), 3, "want 1 as asked for, have more")
    lie("less than a frame", publishing(pages=b"\2" * 11), 3, "want 1 as asked for, have 0")
    lie("a page of 4 GiB", publishing(pages=struct.pack("<BBHII", 2, 1, 0, 2**32 - 1, 2**32 - 1)), 3, "W15: want 1 to 65536 bytes")
    lie("another chunk", publishing(chunks=frame(1, DATA[:-1] + b"x")), 3, "P14: want sha256:")
    lie("a shorter chunk", publishing(chunks=frame(1, DATA[:-1])), 3, "want 5000 bytes as in the listing, have 4999")
    lie("chunks without end", publishing(chunks=lambda body: (frame(1, DATA) for _ in range(100000))), 3, "want 1 as asked for, have more")
    lie("no chunk", publishing(chunks=NOTHING), 0, "the peer lacks 1 of its chunks")
    lie("a bomb for a chunk", publishing(chunks=frame(1, compressed(bytes(100_000_000)), plain=5000, codec=1)), 3, "P13: want 5000 plain bytes, have more")
    out, _ = leaf_page([file_item(b"../../evil", [(sha256(DATA), 5000)])])
    lie("a path that leads out", publishing(root=sha256(out), pages=frame(2, out)), 3, "L6: want a path without")


def bomb(depth, fan):
    """A root under which the same few pages stand again and again as parts of one file: pages of the levels, tails, root."""
    chunks = [listing.Reference(sha256(DATA[:100 + i]), 100 + i, 1) for i in (0, 1)]
    levels = [leaf_page([listing.Item(listing.PART, b"f", chunks * 450)])]
    while len(levels) < depth:
        levels.append(branch_page(len(levels), [levels[-1]] * fan))
    size = sum(level[1].totals.bytes for level in levels[:-1]) + levels[-1][1].totals.bytes * (fan - 1) + 102
    tails = [leaf_page([listing.Item(listing.FILE, b"f", [listing.Reference(sha256(DATA[:102]), 102, 1)], size, bytes(32))])]
    while len(tails) < depth:
        tails.append(branch_page(len(tails), [levels[len(tails) - 1], tails[-1]]))
    return levels, tails, branch_page(depth, [levels[-1]] * (fan - 1) + [tails[-1]])


def bombs():
    for depth, fan, status, words in ((2, 1000, 0, "1 versions"), (3, 1000, 3, "want at most 1000000000 chunks")):
        levels, tails, root = bomb(depth, fan)
        totals = root[1].totals

        def pages(body):
            for line in body.decode().split("\n")[:-1]:
                level, first = map(int, line.split())
                if level == 16:
                    yield frame(2, root[0])
                else:
                    yield frame(2, (tails if first == totals.items - tails[level][1].totals.items else levels)[level][0])

        def chunks(body):
            for line in body.decode().split("\n")[:-1]:
                for position in range(int(line.split("-")[0]), int(line.split("-")[-1]) + 1):
                    yield frame(1, DATA[:102] if position == totals.positions - 1 else DATA[:100 + position % 2])

        lie(f"{totals.positions} chunks of three in {totals.items} items", publishing(pages, chunks, details(1, totals.bytes, totals.positions), sha256(root[0])),
            status, words)


def aborted():
    """More than is kept in memory (64 MiB): a ledger that proves wrong at its end leaves nothing of what came before."""
    noise = [secrets.token_hex(16000) for _ in range(10)]

    def prepare(liar):
        for i in range(2300):
            liar.node.add("note/1", number=i, text=noise[i % 10])
        liar.reply_more["ledgers"] = [liar.offer(checkpoint=liar.node.note(root=b"r" * 32))]

    home, liar = lie("70 MB of records under another checkpoint", prepare, 3, "its first 2302 records are not those of its checkpoint", most=192 * 1024)
    packs = os.listdir(os.path.join(home, "ledgers", liar.node.id + ".git", "objects", "pack"))
    tell(packs == [], "leave nothing on the disk", packs)


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
for part in (ledgers, offers, sparse, content, bombs, aborted):
    part()
