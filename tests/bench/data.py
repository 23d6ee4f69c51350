"""Makes data sets in two versions, from a seed alone: the same bytes, names and times on every machine."""
import os
import random
from dataclasses import dataclass

from tables import TITLE, Rows, edited

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MTIME = 1_760_000_000  # of every file; a change is a day later
DAY = 86400
WORDS = ("forest", "slope", "river", "survey", "plot", "crown", "soil", "ridge", "border", "road")


@dataclass(frozen=True)
class Kind:
    """A generator: make(folder, size, seed) fills folder/v1 and folder/v2.  @size is bytes, or files for those that count them."""
    make: object
    size: int
    quick: int
    counts: str = "bytes"

    def room(self, size):
        """Bytes of disk that it takes to measure one peer with it: two versions, a store, its copy, a checkout."""
        return 5 * size * (4096 if self.counts == "files" else 1)


def write(path, content, mtime=MTIME):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)
    os.utime(path, (mtime, mtime))


def share(old, new):
    """An unchanged file of the second version: a hard link, which source.py takes for "the same"."""
    os.makedirs(os.path.dirname(new), exist_ok=True)
    os.link(old, new)


def table(seed, size):
    def fill(file):
        file.write(TITLE.encode())
        Rows(seed).fill(file, size)
    return fill


def small_text(dice, number):
    """A JSON document or a note of a few hundred bytes to some KiB."""
    fields = [f'  "{name}": {dice.randrange(10**6)}' for name in ("easting", "northing", "height", "trees", "age")]
    words = " ".join(dice.choices(WORDS, k=dice.randrange(10, 900)))
    return ('{\n  "id": %d,\n%s,\n  "note": "%s"\n}\n' % (number, ",\n".join(fields), words)).encode()


def change_rows(old, new, dice, scattered):
    """Writes @new: @old with 1 % of its rows edited (everywhere if @scattered, else in a few runs) and some rows inserted in the middle."""
    with open(old, "rb") as file:
        rows = file.read().decode().splitlines()
    count = max(1, len(rows) // 100)
    if scattered:
        touched = dice.sample(range(1, len(rows)), min(count, len(rows) - 1))
    else:
        runs = min(4, count)
        starts = [dice.randrange(1, max(2, len(rows) - count // runs)) for _ in range(runs)]
        touched = {place for start in starts for place in range(start, min(start + count // runs, len(rows)))}
    for place in touched:
        rows[place] = edited(rows[place], dice)
    if not scattered:
        middle = len(rows) // 2
        rows[middle:middle] = Rows(f"inserted {dice.random()}").take(max(1, count // 10))
    write(new, ("\n".join(rows) + "\n").encode(), MTIME + DAY)


def second_version(folder, seed, tables_changed, scattered_tables=0.0):
    """v2 of a folder: @tables_changed of the tables have edits, 1 % of the other files too; 2 % of files are new, 1 % gone, 0.5 % renamed."""
    dice = random.Random(f"second {seed}")
    first, second = os.path.join(folder, "v1"), os.path.join(folder, "v2")
    for path in sorted_files(first):
        old, new, lot = os.path.join(first, path), os.path.join(second, path), dice.random()
        if lot < 0.01:
            continue
        if lot < 0.015:
            share(old, os.path.join(second, "renamed", path.replace("/", "-")))
        elif path.endswith(".csv") and dice.random() < tables_changed:
            change_rows(old, new, dice, dice.random() < scattered_tables)
        elif path.endswith(".json") and lot < 0.025:
            write(new, small_text(dice, 0), MTIME + DAY)
        else:
            share(old, new)
        if dice.random() < 0.02:
            add_like(old, os.path.join(second, "added", path.replace("/", "-")), dice)


def add_like(old, new, dice):
    """A new file of the kind and about the size of @old."""
    size = os.path.getsize(old)
    if old.endswith(".csv"):
        write(new, table(f"added {dice.random()}", size), MTIME + DAY)
    elif old.endswith(".json"):
        write(new, small_text(dice, 1), MTIME + DAY)
    else:
        write(new, dice.randbytes(size), MTIME + DAY)


def sorted_files(folder):
    return sorted(os.path.relpath(os.path.join(here, name), folder) for here, _, names in os.walk(folder) for name in names)


def sizes(dice, total, smallest, largest):
    """Sizes spread evenly in their logarithm, summing to about @total."""
    while total > 0:
        size = min(total, int(smallest * (largest / smallest) ** dice.random()))
        yield size
        total -= size


def make_mix(folder, size, seed):
    """Half CSV tables, a third images that do not compress, the rest small JSON files (100 000 at 4 GiB)."""
    dice = random.Random(f"mix {seed}")
    first = os.path.join(folder, "v1")
    for number, length in enumerate(sizes(dice, size // 2, 64 * KIB, max(128 * KIB, size // 64))):
        write(f"{first}/tables/{number:04d}.csv", table(f"{seed} {number}", length))
    for number, length in enumerate(sizes(dice, size // 3, 100 * KIB, 6 * MIB)):
        write(f"{first}/images/{number // 100:03d}/{number:05d}.jpg", dice.randbytes(length))
    for number in range(size * 100_000 // (4 * GIB)):
        write(f"{first}/plots/{number // 1000:03d}/{number // 50 % 20:02d}/{number:06d}.json", small_text(dice, number))
    second_version(folder, seed, 0.25, 0.1)


def make_csv(folder, size, seed):
    """Tables of 42 KB on average; a tenth of them change."""
    dice = random.Random(f"csv {seed}")
    for number, length in enumerate(sizes(dice, size, 4 * KIB, 160 * KIB)):
        write(f"{folder}/v1/{number // 200:03d}/{number:06d}.csv", table(f"{seed} {number}", length))
    second_version(folder, seed, 0.1)


def make_tiny(folder, count, seed):
    """@count files of 60 to 120 bytes, 500 to a folder."""
    dice = random.Random(f"tiny {seed}")
    for number in range(count):
        fields = number, dice.getrandbits(32), dice.randrange(900), "x" * dice.randrange(60)
        text = '{"id": %d, "plot": "%08x", "trees": %d, "note": "%s"}\n' % fields
        write(f"{folder}/v1/{number // 50000:02d}/{number // 500:05d}/{number:07d}.json", text.encode())
    second_version(folder, seed, 0.0)


def make_big(folder, size, seed):
    """One file: by turns 8 MiB of rows and 8 MiB that do not compress.  In its second version 1 % is overwritten in four places, and 1 MiB is
    inserted in the middle."""
    dice = random.Random(f"big {seed}")
    rows = Rows(f"big {seed}")

    def fill(file):
        while file.tell() < size:
            rows.fill(file, min(8 * MIB, size - file.tell()))
            file.write(dice.randbytes(min(8 * MIB, max(0, size - file.tell()))))

    def change(file):
        with open(f"{folder}/v1/big.bin", "rb") as old:
            while block := old.read(16 * MIB):
                here = old.tell()
                if here - len(block) <= size // 2 < here:
                    file.write(dice.randbytes(MIB))
                quarter = here * 4 // size
                if here * 4 % size < size // 100 and quarter < 4:
                    block = dice.randbytes(len(block))
                file.write(block)

    write(f"{folder}/v1/big.bin", fill)
    write(f"{folder}/v2/big.bin", change, MTIME + DAY)


def make_scattered(folder, size, seed):
    """One table; in its second version 1 % of the rows are edited, everywhere."""
    write(f"{folder}/v1/table.csv", table(f"scattered {seed}", size))
    change_rows(f"{folder}/v1/table.csv", f"{folder}/v2/table.csv", random.Random(f"edits {seed}"), True)


KINDS = {
    "mix": Kind(make_mix, 4 * GIB, 64 * MIB),
    "csv": Kind(make_csv, 302_000_000, 16_000_000),
    "tiny": Kind(make_tiny, 100_000, 5000, "files"),
    "big": Kind(make_big, 20 * GIB, 64 * MIB),
    "scattered": Kind(make_scattered, 1_000_000_000, 32_000_000),
}
