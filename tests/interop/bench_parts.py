"""Checks the parts of the benchmark that compute: data from a seed, the folder that changes version, medians and targets, the README's table."""
import hashlib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[1], "tests", "bench"))
import data
import medians
import report
import source
import targets


GOLDEN = {"mix": "c1c05f1f732743f8", "csv": "6b1c007e7495146b", "tiny": "696736d47add9863", "big": "808a8712484260df",
          "scattered": "f7612362b5319f92"}


def check(what, have, wanted):
    print(f"ok - {what}" if have == wanted else f"not ok - {what}: want {wanted}, have {have}")


def digest_of(folder):
    """Of all names, contents and times below @folder."""
    total = hashlib.sha256()
    for path in data.sorted_files(folder):
        with open(os.path.join(folder, path), "rb") as file:
            total.update(f"{path} {os.path.getmtime(file.name)} {hashlib.sha256(file.read()).hexdigest()}\n".encode())
    return total.hexdigest()[:16]


def inodes(folder):
    return {path: os.lstat(os.path.join(folder, path)).st_ino for path in data.sorted_files(folder)}


def check_data():
    sizes = {"mix": 2_000_000, "csv": 500_000, "tiny": 300, "big": 3_000_000, "scattered": 300_000}
    for name, size in sizes.items():
        for number, seed in enumerate((1, 1, 2)):
            data.KINDS[name].make(f"{name}{number}", size, seed)
        digests = [digest_of(f"{name}{number}") for number in range(3)]
        check(f"{name}: seed 1 is what it has always been", digests[0], GOLDEN[name])
        check(f"{name}: one seed, one content", digests[1], digests[0])
        check(f"{name}: another seed, another content", digests[2] == digests[0], False)
    for name in sizes:
        check(f"{name}: the second version is another", digest_of(f"{name}0/v2") == digest_of(f"{name}0/v1"), False)


def check_source():
    source.SETTLE_SECONDS = 0
    first, second = digest_of("mix1/v1"), digest_of("mix1/v2")
    folder = source.Source("mix", "mix1", 2)
    check("the source shows the first version", digest_of(folder.path), first)
    before = inodes(folder.path)
    folder.show(2)
    check("then the second", digest_of(folder.path), second)
    gone, came = folder.change()
    after = inodes(folder.path)
    unchanged = set(before) - set(gone)
    check("what did not change kept its inode", [path for path in unchanged if before[path] != after[path]], [])
    check("what changed is listed", sorted(set(after) - unchanged), came)
    folder.show(1)
    check("and the first again", (digest_of(folder.path), inodes(folder.path) == before), (first, True))


def check_versions():
    """A given folder with three versions, and one with none."""
    for number, text in enumerate(("one", "one", "other"), 1):
        data.write(f"given/v{number}/a.txt", text.encode())
        data.write(f"given/v{number}/{number}.txt", b"same")
    os.mkdir("taken")
    check("three versions are found", source.unpack_given("given", "taken"), 3)
    folder = source.Source("given", "taken", 3)
    seen = []
    for number in (1, 2, 3, 1, 3):
        folder.show(number)
        with open(os.path.join(folder.path, "a.txt")) as text:
            seen.append((text.read(), data.sorted_files(folder.path)))
    shows = [("one", ["1.txt", "a.txt"]), ("one", ["2.txt", "a.txt"]), ("other", ["3.txt", "a.txt"])]
    check("and shown in turn", seen, [shows[0], shows[1], shows[2], shows[0], shows[2]])
    check("a change that kept its time has got another", os.path.getmtime(os.path.join(folder.path, "a.txt")), data.MTIME + 1.0)
    os.mkdir("alone")
    check("a folder without versions is one", source.unpack_given("given/v1", "alone"), 1)


def document_of(*results):
    peers = {name: "" for name in ("chama", "cp -a", "borg lz4", "rsync ssh", "rsync daemon")}
    ways = {name: (True, not name.startswith("rsync")) for name in peers}
    known = [dict(zip(("peer", "step", "round", "seconds"), one), data="csv", cpu=0.5) for one in results]
    return {"results": known, "settings": peers, "way to files": ways, "data": [{"name": "csv"}]}


def check_medians():
    document = document_of(("chama", "sync", 0, 1.0), ("chama", "sync", 1, 5.0), ("chama", "sync", 2, 2.0),
                           ("chama", "checkout", 0, 3.0), ("chama", "checkout", 1, 1.0),
                           ("rsync ssh", "sync", 0, 4.0), ("rsync daemon", "sync", 0, 2.5), ("borg lz4", "checkout", 0, 1.5))
    document["results"].append({"data": "csv", "peer": "borg lz4", "step": "verify", "round": 0, "failed": "no"})
    document["results"].append({"data": "mix", "peer": "chama", "step": "sync", "round": 0, "seconds": 99.0})
    found = medians.Medians("csv", document)
    check("the median of three", found.value("chama", "sync", "seconds"), 2.0)
    check("sums are made in each round that has both", found.value("chama", "together", "seconds"), 5.0)
    check("of CPU time, too", found.value("chama", "together", "cpu"), 1.0)
    check("whose sync leaves files needs no checkout", found.value("rsync daemon", "together", "seconds"), 2.5)
    check("no sum without the sync", found.value("borg lz4", "together", "seconds"), None)
    check("the best of some", found.best(("rsync ssh", "rsync daemon", "borg lz4"), "sync", "seconds"), ("rsync daemon", 2.5))
    check("the best of none", found.best(("borg lz4",), "sync", "seconds"), (None, None))
    check("who failed", (found.failed("borg lz4", "verify"), found.failed("chama", "sync")), (True, False))
    check("no ratio to nothing", (medians.ratio(1.0, None), medians.ratio(None, 1.0), medians.ratio(1.0, 0)), (None, None, None))


def check_targets():
    found = medians.Medians("csv", document_of(("chama", "sync", 0, 1.0), ("rsync ssh", "sync", 0, 4.0), ("borg lz4", "checkout", 0, 1.5)))
    to_peer = targets.Target("T", "", "s", "sync", "seconds", 0.25, ("rsync ssh",))
    verdict = medians.Verdict(to_peer, found, None)
    check("a target met exactly is met", (verdict.name, verdict.base, verdict.ratio, verdict.met), ("rsync ssh", 4.0, 0.25, True))
    check("one just missed is not", medians.Verdict(targets.Target("T", "", "s", "sync", "seconds", 0.24, ("rsync ssh",)), found, None).met, False)
    to_limit = targets.Target("T", "", "s", "sync", "seconds", 1.5, limit="sync")
    check("to a limit", medians.Verdict(to_limit, found, 0.5).met, False)
    check("to a limit that was not measured", medians.Verdict(to_limit, found, None).met, None)
    check("absolute", medians.Verdict(targets.Target("T", "", "s", "sync", "seconds", 1.0), found, None).met, True)
    check("of what chama did not do", medians.Verdict(targets.Target("T", "", "s", "checkout", "seconds", 1.0, ("borg lz4",)), found, None).met, None)
    names = set(targets.ANYONE + targets.PATCH + targets.COPY + ("chama",))
    check("targets name peers that there are", [peer for target in targets.TARGETS for peer in target.peers if peer not in names], [])


def check_readme():
    with open("README.md", "w") as text:
        text.write(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put_between("README.md", "new")
    report.put_between("README.md", "newer")
    with open("README.md") as text:
        check("the table stands between its lines", text.read(), f"before\n{report.BEGIN}\n\nnewer\n{report.END}\nafter\n")


check_data()
check_source()
check_versions()
check_medians()
check_targets()
check_readme()
