"""Damages every file of a node's home, a copy for each damage, and looks at what chama makes of it.

    bitflips.py CHAMA HOME WORK FOLDER=DATASET...

WORK is made; FOLDER (beside HOME) is what DATASET was published from.  Prints "ok - ..." and "not ok - ..." lines."""
import base64
import concurrent.futures
import contextlib
import filecmp
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys

FLIPS = 3

# What may go unnoticed by fsck, and why that is right.  Each must also pass the proof that is named: a function below.
CLASSES = [
    (r"(^|/)lock(\.mdb)?$|\.lock$|/chama\.lock$", "holds nothing: what is locked is the file, not what stands in it", "good"),
    (r"-shm$", "SQLite's index of the -wal file, made anew by whoever opens the database first", "good"),
    (r"^catalogue\.sqlite", "a projection of the ledgers: found damaged it is made anew by the same command", "projected"),
    (r"^log/", "Merkle hashes and checkpoints: made anew from the ledger, signed anew", "good"),
    (r"^store/index/data\.mdb$", "LMDB keeps two meta pages and the pages of the state before: what no transaction will follow again", "good"),
    (r"^state\.sqlite(-wal)?$", "space between and behind rows, and frames of the log that were moved into the file", "same_rows"),
    (r"^stamps/", "which files need not be read again: what does not hold is not believed, and they are", "publishes"),
    (r"^config\.ini$", "comments, and values that a person could have meant", "config_reads"),
    (r"^keys/next\.key$", "should be elsewhere; nothing but a rotation needs it", "gone"),
    (r"^keys/tls\.crt$", "what nobody relies on: peers pin the key, and it is the one of tls.key", "good"),
    (r"^keys/tls\.key$", "the copy of the public key inside of it; fsck compares what the private key yields with the certificate", "good"),
    (r"^keys/.*\.key$", "the armour of PEM around the key: the line that ends it, unused bits of the last character", "same_key"),
]


def run(chama, home, *arguments):
    done = subprocess.run([chama, "--home", home, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def same_tree(a, b):
    compared = filecmp.dircmp(a, b, ignore=[])
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    _, mismatch, errors = filecmp.cmpfiles(a, b, compared.common_files, shallow=False)
    return not mismatch and not errors and all(same_tree(os.path.join(a, d), os.path.join(b, d)) for d in compared.common_dirs)


def dump(folder):
    """Tables of state.sqlite in a copy, with the log as it stands beside it."""
    done = subprocess.run(["sqlite3", os.path.join(folder, "state.sqlite"), ".dump"], capture_output=True)
    return done.returncode, done.stdout


def projection(home):
    """The rows of catalogue.sqlite, without what is no projection."""
    with contextlib.closing(sqlite3.connect(os.path.join(home, "catalogue.sqlite"))) as database:
        return [sorted(database.execute("SELECT %s FROM %s NOT INDEXED" % (columns, table)))
                for table, columns in (("nodes", "node, size, head"), ("records", "*"), ("versions", "*"), ("grants", "*"), ("revocations", "*"))]


class Proofs:
    """Each: what, besides right answers, makes a damage of no consequence."""

    def __init__(self, job):
        self.job = job

    def good(self):
        return True

    def gone(self):
        return True

    def projected(self):
        run(self.job.chama, self.job.copy, "ls")
        return projection(self.job.copy) == projection(self.job.pristine)

    def same_rows(self):
        copy = self.job.copy + ".rows"
        original = self.job.copy + ".original"
        for folder, home in ((copy, self.job.damaged_state), (original, self.job.pristine)):
            os.makedirs(folder)
            for name in ("state.sqlite", "state.sqlite-wal"):
                if os.path.exists(os.path.join(home, name)):
                    shutil.copy(os.path.join(home, name), folder)
        return dump(copy) == dump(original)

    def publishes(self):
        """Again, from the same places; what get writes then is compared like all else."""
        return all(run(self.job.chama, self.job.copy, "publish", dataset, folder)[0] == 0
                   for folder, dataset in self.job.truth if "/" not in dataset)

    def config_reads(self):
        return run(self.job.chama, self.job.copy, "status")[0] == 0

    def same_key(self):
        def body(home):
            """What stands between the two lines of the armour."""
            with open(os.path.join(home, self.job.name), "rb") as file:
                return base64.b64decode(b"".join(file.read().split(b"-----")[2].split()))

        return body(self.job.copy) == body(self.job.pristine) != b""


class Job:
    """One damage of one file."""

    def __init__(self, chama, pristine, copy, name, damage, truth):
        self.chama, self.pristine, self.copy, self.name, self.damage, self.truth = chama, pristine, copy, name, damage, truth

    def apply(self):
        shutil.copytree(self.pristine, self.copy, symlinks=True)
        path = os.path.join(self.copy, self.name)
        kind, at = self.damage
        mode = os.stat(path).st_mode
        if kind == "gone":
            os.unlink(path)
            return
        os.chmod(path, 0o600)
        if kind == "cut":
            os.truncate(path, os.path.getsize(path) - 1)
        else:
            with open(path, "r+b") as file:
                file.seek(at // 8)
                byte = file.read(1)[0]
                file.seek(at // 8)
                file.write(bytes([byte ^ 1 << at % 8]))
        os.chmod(path, mode)

    def wrong_answers(self):
        """Every dataset: if get says that it is done, its files must be those that were published; if verify says good, get must be done."""
        wrong = []
        for folder, dataset in self.truth:
            target = self.copy + ".out"
            got, said = run(self.chama, self.copy, "get", dataset, target)
            if got < 0:
                wrong.append("get %s died of signal %d" % (dataset, -got))
            elif got == 0 and not same_tree(folder, target):
                wrong.append("get %s wrote other bytes" % dataset)
            verified, told = run(self.chama, self.copy, "verify", dataset)
            if verified < 0:
                wrong.append("verify %s died of signal %d" % (dataset, -verified))
            elif verified == 0 and got != 0:
                wrong.append("verify %s says good, get says: %s" % (dataset, said.strip()))
            shutil.rmtree(target, ignore_errors=True)
        return wrong

    def check(self):
        """What is wrong with how chama took it: a list."""
        self.apply()
        self.damaged_state = self.copy + ".state"
        os.makedirs(self.damaged_state)
        for name in ("state.sqlite", "state.sqlite-wal"):
            if os.path.exists(os.path.join(self.copy, name)):
                shutil.copy(os.path.join(self.copy, name), self.damaged_state)
        status, said = run(self.chama, self.copy, "fsck")
        problems = []
        if status < 0 or status > 5:
            problems.append("fsck ended with %d: %s" % (status, said[-300:]))
        elif status in (1, 2) and os.path.basename(self.name) not in said and self.name.split("/")[0] not in said:
            problems.append("fsck says %d and does not name the file: %s" % (status, said[-300:]))
        elif status == 0:
            problems += self.excuse(said)
        problems += self.wrong_answers() if status != 0 or not problems else []
        return status, problems

    def excuse(self, said):
        for pattern, _, proof in CLASSES:
            if re.search(pattern, self.name):
                if getattr(Proofs(self), proof)():
                    return []
                return ["fsck found nothing, and %s does not hold" % proof]
        return ["fsck found nothing: " + said[-100:]]

    def clean(self):
        for ending in ("", ".out", ".state", ".rows", ".original"):
            shutil.rmtree(self.copy + ending, ignore_errors=True)


def damages(path, name):
    """Bits spread over the file by a generator that its name seeds; a byte off its end; the file gone."""
    size = os.path.getsize(path)
    choose = random.Random(name.split(".git/")[-1])
    count = FLIPS if size < 100000 else 3 * FLIPS
    for i in range(count if size else 0):
        begin, end = size * i // count, max(size * (i + 1) // count, size * i // count + 1)
        yield "bit", choose.randrange(begin * 8, min(end, size) * 8)
    if size:
        yield "cut", 0
    yield "gone", 0


def main():
    chama, home, work = sys.argv[1:4]
    truth = [(os.path.join(os.path.dirname(home), folder), dataset) for folder, dataset in (pair.split("=") for pair in sys.argv[4:])]
    os.makedirs(work)
    names = sorted(os.path.relpath(os.path.join(folder, file), home) for folder, _, files in os.walk(home) for file in files)
    jobs = [Job(chama, home, os.path.join(work, "%04d" % number), name, damage, truth)
            for number, (name, damage) in enumerate((name, damage) for name in names for damage in damages(os.path.join(home, name), name))]

    def one(job):
        try:
            status, problems = job.check()
        except Exception as problem:  # a hang is one, too
            status, problems = None, [repr(problem)]
        job.clean()
        return job, status, problems

    found = unnoticed = 0
    bad = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for job, status, problems in pool.map(one, jobs):
            found += status != 0
            unnoticed += status == 0
            for problem in problems:
                bad.setdefault(job.name, []).append("%s %d: %s" % (*job.damage, problem))
    for name in names:
        for line in bad.get(name, []):
            print("not ok - %s: %s" % (name, line.replace("\n", " | ")))
        if name not in bad:
            print("ok - %s" % name)
    print("# %d damages to %d files: fsck found %d, %d do not matter" % (len(jobs), len(names), found, unnoticed))
    return 1 if bad else 0


sys.exit(main())
