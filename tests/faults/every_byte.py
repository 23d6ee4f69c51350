"""Flips every byte in turn, a bit of each, and looks at what an audit makes of it.

    every_byte.py CHAMA WORK files HOME FOLDER...     of the files in folders of a home
    every_byte.py CHAMA WORK clone CLONE              of the files of a plain clone
    every_byte.py CHAMA WORK rows HOME TABLE,...      of every value of these tables of the home's state.sqlite

Prints "ok - ..." and "not ok - ..." lines.  A flip must be caught: the audit ends with a failure (3) or names what is damaged (1).  Or its answers are those of
before, but for the time; of what is not derived or empty that is a failure of the test."""
import concurrent.futures
import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

CHAMA, WORK, KIND, FIRST = sys.argv[1:5]

# What may be other than before without a word, since nobody believes it: it is compared with the ledger, and made anew.
DERIVED = re.compile(r"^log/[^/]*/(hashes|head)$|\.lock$")
# Of a clone: git's own, of which the audit reads nothing but where refs/heads/main stands.
GITS = re.compile(r"^(HEAD|config|packed-refs)$")


def audit(home):
    words = ["--clone", home] if KIND == "clone" else ["--home", home]
    words = ["audit", *words, "--json"] if KIND == "clone" else [*words, "audit", "--json"]
    done = subprocess.run([CHAMA, *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def answers(out):
    """All that it says, but for when."""
    report = json.loads(out)
    del report["time"]
    return report


def copy_home(number):
    """Anew what a flip or an audit may have changed; the rest once for each worker."""
    copy = os.path.join(WORK, "%d" % number)
    if not os.path.exists(copy):
        shutil.copytree(FIRST, copy, symlinks=True)
        return copy
    for name in os.listdir(copy):
        if name.startswith(("state.sqlite", "catalogue.sqlite")):
            os.unlink(os.path.join(copy, name))
    for name in os.listdir(FIRST):
        path = os.path.join(FIRST, name)
        if name.startswith(("state.sqlite", "catalogue.sqlite")) or (KIND == "clone" and os.path.isfile(path)):
            shutil.copyfile(path, os.path.join(copy, name))
        elif name in ("ledgers", "log", "objects", "refs") and KIND != "rows":
            shutil.rmtree(os.path.join(copy, name))
            shutil.copytree(path, os.path.join(copy, name), symlinks=True)
    return copy


def flip_byte(path, at, bit):
    mode = os.stat(path).st_mode
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))
    os.chmod(path, mode)


def flips_of_files(folders):
    for folder in folders:
        for place, _, names in os.walk(os.path.join(FIRST, folder)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(place, name), FIRST)
                choose = random.Random(name)
                for at in range(os.path.getsize(os.path.join(FIRST, path))):
                    bit = choose.randrange(8)
                    yield path, at, lambda copy, path=path, at=at, bit=bit: flip_byte(os.path.join(copy, path), at, bit)


def set_value(copy, table, column, row, value):
    with contextlib.closing(sqlite3.connect(os.path.join(copy, "state.sqlite"))) as database:
        try:
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid IN (SELECT rowid FROM {table} LIMIT 1 OFFSET {row})" if table != "verified"
                             else f"UPDATE {table} SET {column} = ? WHERE node IN (SELECT node FROM {table} LIMIT 1 OFFSET {row})", (value,))
            database.commit()
        except sqlite3.IntegrityError:
            pass


def flipped(value, at, bit):
    if isinstance(value, int):
        return value ^ 1 << (8 * at + bit)
    data = bytearray(value.encode() if isinstance(value, str) else value)
    data[at] ^= 1 << bit
    # SQLite takes any bytes for text
    return bytes(data).decode("latin-1") if isinstance(value, str) and max(data) < 128 else bytes(data)


def flips_of_rows(tables):
    with contextlib.closing(sqlite3.connect(os.path.join(FIRST, "state.sqlite"))) as database:
        for table in tables:
            cursor = database.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            for row, values in enumerate(cursor.fetchall()):
                for column, value in zip(columns, values):
                    choose = random.Random(column)
                    # numbers are what SQLite keeps of them: at most six bytes here
                    for at in range(6 if isinstance(value, int) else len(value)):
                        other = flipped(value, at, choose.randrange(7))
                        yield f"{table}.{column}", at, lambda copy, t=table, c=column, r=row, v=other: set_value(copy, t, c, r, v)


def main():
    os.makedirs(WORK)
    every = int(os.environ.get("EVERY", "1"))
    before = audit(copy_home(0))
    truth = answers(before[1])
    if KIND == "rows":
        flips = list(flips_of_rows(sys.argv[5].split(",")))
    else:
        flips = list(flips_of_files(sys.argv[5:] or ["."]))
    flips = flips[::every]
    free, lock = [], threading.Lock()

    def one(numbered):
        number, (name, at, flip) = numbered
        with lock:
            place = free.pop() if free else number + 1
        copy = copy_home(place)
        flip(copy)
        try:
            status, out, err = audit(copy)
            if status == 0 or (status == before[0] and before[0] != 0):
                same = answers(out) == truth
                derived = DERIVED.search(name) or KIND == "rows" or (KIND == "clone" and GITS.search(name))
                problem = "" if same and derived else "nobody noticed" if same else "other answers, and no word: " + "; ".join(
                    f["text"] for f in answers(out)["findings"] if f not in truth["findings"]) if not more_failed(answers(out)) else ""
            else:
                same, problem = False, "" if status in (1, 3) and (err or out) else "ends with %d: %s" % (status, err)
        except Exception as wrong:  # a hang, an answer that is none
            same, problem = False, repr(wrong)
        with lock:
            free.append(place)
        return name, at, same, problem

    def more_failed(report):
        """Something is said to be wrong that was not wrong before."""
        return report["counts"]["failed"] > truth["counts"]["failed"] or any(
            (f["verdict"] == "failed" or f["kind"] == "cosignatures-damaged") and f not in truth["findings"] for f in report["findings"])

    caught, alike, bad = {}, {}, {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, at, same, problem in pool.map(one, enumerate(flips)):
            caught[name] = caught.get(name, 0) + (not same)
            alike[name] = alike.get(name, 0) + same
            if problem:
                bad.setdefault(name, []).append("byte %d: %s" % (at, problem.replace("\n", " | ")[:300]))
    for name in caught:
        if name in bad:
            print("not ok - %s: %d bytes, such as %s" % (name, len(bad[name]), "\n    ".join(bad[name][:8])))
        else:
            print("ok - %s: of %d bytes %d were caught, %d do not matter" % (name, caught[name] + alike[name], caught[name], alike[name]))
    shutil.rmtree(WORK)


main()
