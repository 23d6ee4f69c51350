"""The command line of run.sh.  What is wrong is said exactly, with exit status 2."""
import argparse
import os
import sys
from dataclasses import dataclass

from data import GIB, KIB, KINDS, MIB
from peers import FAMILIES
from steps import NAMES, STEPS

SOURCE_TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "KiB": KIB, "MiB": MIB, "GiB": GIB}
USUAL = ("mix", "csv", "tiny", "scattered")
QUICK = ("mix", "tiny")


@dataclass(frozen=True)
class DataSet:
    """One word of --data.  @kind is a generator of data.py, or "given", with the user's @folder."""
    title: str
    kind: str
    size: int = 0
    folder: str = ""


@dataclass
class Options:
    peers: tuple
    data: list      # of DataSet
    steps: tuple
    rounds: int
    seed: int
    scratch: str
    chama: str      # a program that is built already, or None
    timeout: int
    output: str
    readme: bool
    words: str      # the command line as given


def refuse(option, want, have):
    sys.stderr.write(f"run.sh: {option}: want {want}, have {have}\n")
    sys.exit(2)


def listed(option, text, allowed):
    """A comma list of allowed names; "all" is all of them, "none" none."""
    if text in ("all", "none"):
        return tuple(allowed) if text == "all" else ()
    names = tuple(text.split(","))
    for name in names:
        if name not in allowed:
            refuse(option, f"some of {','.join(allowed)}, or all, or none", name or "an empty name")
    return names


def size_from(option, text):
    number = text.rstrip("".join(UNITS)) if text else ""
    unit = text[len(number):]
    if not number.isdigit() or unit not in UNITS or int(number) == 0:
        refuse(option, "a size as 302M, 4GiB or 100000", text or "nothing")
    return int(number) * UNITS[unit]


def data_from(word, quick):
    kind, _, size = word.partition(":")
    if kind in KINDS:
        usual = KINDS[kind].quick if quick else KINDS[kind].size
        return DataSet(word, kind, size_from("--data", size) if ":" in word else usual)
    if not os.path.isdir(word):
        refuse("--data", f"one of {', '.join(KINDS)} (with :SIZE if you like), or a folder", word)
    folder = os.path.abspath(word)
    return DataSet(os.path.basename(folder), "given", folder=folder)


def all_data(words, quick):
    """What --data lists; each title once, since results go by it."""
    data = [data_from(word, quick) for word in words]
    titles = [one.title for one in data]
    for title in titles:
        if titles.count(title) > 1:
            refuse("--data", "every name once", title)
    return data


def with_needs(names):
    """The steps, and those that they need."""
    needed = set(names)
    for step in reversed(STEPS):
        if step.name in needed:
            needed.update(step.needs)
    return tuple(name for name in NAMES if name in needed)


def number_from(option, text, smallest):
    if not text.isdigit() or int(text) < smallest:
        refuse(option, f"a number of at least {smallest}", text or "nothing")
    return int(text)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.stderr.write(f"run.sh: {message}; see run.sh --help\n")
        sys.exit(2)


def parser():
    made = Parser(prog="run.sh", description="Measures chama against the programs that people use today, in one run.", allow_abbrev=False)
    made.add_argument("--peers", default="all", metavar="NAMES", help=f"comma list of {','.join(FAMILIES)}, or all (the default), or none")
    made.add_argument("--data", nargs="+", action="extend", metavar="DATA",
                      help=f"{', '.join(KINDS)}, each with :SIZE if you like (mix:1GiB, tiny:1000000), or a folder, whose subfolders v1, v2 .. "
                           f"are versions if it has them; default: {' '.join(USUAL)}")
    made.add_argument("--quick", action="store_true", help=f"little data ({' '.join(QUICK)} unless --data says otherwise), one round")
    made.add_argument("--steps", default="all", metavar="NAMES", help=f"comma list of {','.join(NAMES)}; a step does those that it needs, too")
    made.add_argument("--rounds", metavar="N", help="how often everything is done (3; 1 with --quick)")
    made.add_argument("--seed", default="1", metavar="N", help="of the generated data (1)")
    made.add_argument("--scratch", metavar="DIR", help="where to work; without it, as root, on a journalled loop image in $TMPDIR or /var/tmp")
    made.add_argument("--chama", metavar="PROGRAM", help="measure this one; without it chama is built, and its build/chama measured")
    made.add_argument("--timeout", metavar="SECONDS", help="of one command (3600; 20 with --quick); it counts as failed then")
    made.add_argument("--output", default=os.path.join(SOURCE_TREE, "build", "bench"), metavar="DIR",
                      help="where table.md, table.json and plot.svg go (build/bench)")
    made.add_argument("--readme", action="store_true", help="also put the table into tests/bench/README.md and the plot beside it")
    return made


def parse(words):
    given = parser().parse_args(words)
    if given.scratch and not os.path.isdir(given.scratch):
        refuse("--scratch", "a folder", given.scratch)
    rounds = number_from("--rounds", given.rounds or ("1" if given.quick else "3"), 1)
    timeout = number_from("--timeout", given.timeout or ("20" if given.quick else "3600"), 1)
    if given.chama and not (os.path.isfile(given.chama) and os.access(given.chama, os.X_OK)):
        refuse("--chama", "a program", given.chama)
    return Options(peers=listed("--peers", given.peers, FAMILIES),
                   data=all_data(given.data or (QUICK if given.quick else USUAL), given.quick),
                   steps=with_needs(listed("--steps", given.steps, NAMES)), rounds=rounds, seed=number_from("--seed", given.seed, 0),
                   scratch=given.scratch, chama=given.chama and os.path.abspath(given.chama),
                   timeout=timeout, output=os.path.abspath(given.output),
                   readme=given.readme, words=" ".join(words))
