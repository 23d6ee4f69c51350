"""The course of the run over one data set: rounds, peers and steps, in turn."""
import os
import subprocess
import sys
import time

import limits
import machine
import report
import source
from data import KINDS
from medians import OURS
from options import SOURCE_TREE
from steps import STEPS
from turn import Turn, sync_all, warm

ONCE_SECONDS = 600  # a peer that takes longer for a round takes part in the first only
COPIES = 3  # of the data that a peer writes in a round, at most about


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def make_source(bench, data_set):
    """Generates or takes the data."""
    folder = os.path.join(bench.place.data, "set")
    os.mkdir(folder)
    if data_set.kind in KINDS:
        KINDS[data_set.kind].make(folder, data_set.size, bench.options.seed)
        versions = 2
    else:
        versions = source.unpack_given(data_set.folder, folder)
    return source.Source(data_set.title, folder, versions)


class Course:
    """Measures @kinds of peers with one data set into the @document.  The report is written after every group of peers, so that what was
    measured stays if the run is ended."""

    def __init__(self, bench, kinds, data_set, document):
        say(f"{data_set.title}: making the data")
        self.bench, self.document, self.number = bench, document, 0
        self.spent = {}  # peer -> seconds in the first round
        self.source = make_source(bench, data_set)
        self.kinds = tuple(kind for kind in kinds if kind.fits(self.source))
        self.steps = [step for step in STEPS if step.name in bench.options.steps and (self.source.versions > 1 or not step.later)]
        sync_all(bench.place.data)
        time.sleep(source.SETTLE_SECONDS)
        warm([self.source.path])
        self.facts = {"name": data_set.title, "kind": data_set.kind, "files": self.source.files, "bytes": self.source.bytes,
                      "versions": self.source.versions, "limits": limits.measure(SOURCE_TREE, self.source.path, bench.place.data)}
        document["data"].append(self.facts)

    def run(self):
        for self.number in range(self.bench.options.rounds):
            self.round()
        self.bench.place.renew_work()
        subprocess.run(["rm", "-rf", self.source.folder], check=False)

    def round(self):
        """All steps of all peers once: by step, peers in turn; or by peer, when the disk cannot hold all of them at once."""
        place, kinds = self.bench.place, rotated(self.takers(), self.number)
        place.renew_work()
        if place.has_room(self.source.files * COPIES * len(kinds), self.source.disk * COPIES * len(kinds)):
            self.facts["order"] = "by step"
            self.group(kinds)
            return
        self.facts["order"] = "by peer"
        for kind in kinds:
            for turn in self.group((kind,)):
                turn.leave()
            place.drop_old()

    def takers(self):
        """Who takes part in this round."""
        self.facts["once"] = [peer for peer, seconds in self.spent.items() if seconds > ONCE_SECONDS and peer != OURS]
        return tuple(kind for kind in self.kinds if kind.name not in self.facts["once"])

    def group(self, kinds):
        """All steps of some peers, who take each step in turn."""
        self.source.show(1)
        turns = [Turn(self.bench, kind, self.source) for kind in kinds]
        for step in self.steps:
            self.step(step, turns)
        self.document["machine"]["load at end"] = machine.load()
        report.write(self.document, self.bench.options)
        return turns

    def step(self, step, turns):
        """One step of some peers, through the versions that it goes through."""
        versions = step.versions(self.source.versions)
        for version in versions:
            self.source.show(version)
            for turn in turns:
                started = time.monotonic()
                result = turn.take(step)
                if self.number == 0:
                    self.spent[turn.peer.name] = self.spent.get(turn.peer.name, 0.0) + time.monotonic() - started
                if result is not None and version == versions[-1]:
                    self.keep(turn.peer.name, step.name, result)

    def keep(self, peer, step, result):
        self.document["results"].append({"data": self.source.name, "peer": peer, "step": step, "round": self.number, **result})
        told = f"FAILED: {result['failed']}" if "failed" in result else f"{result['seconds']:.3f} s"
        say(f"{self.source.name} round {self.number + 1} {peer}: {step}: {told}")
