"""One peer in one round, and how each of its steps is measured."""
import os
import subprocess
import time

from medians import median
from meter import Failed, Reading
from scratch import remove

STARTS, STARTS_SECONDS = 15, 1.0  # of a trivial command: so often, unless that takes longer


class Turn:
    """One peer in one round: its folder, and what became of its steps."""

    def __init__(self, bench, kind, data_source):
        self.bench = bench
        self.home = os.path.join(bench.place.work, kind.name.replace(" ", "-").replace(",", "-"))
        os.mkdir(self.home)
        self.peer = kind(bench, data_source, self.home)
        self.failed, self.spent, self.held = {}, {}, {}
        try:
            self.peer.prepare()
        except (Failed, OSError) as failure:
            self.failed["publish"] = self.failed["sync"] = f"prepare: {failure}"

    def take(self, step):
        """Runs one step; returns as a dictionary what it cost, with what the same step cost for earlier versions, or None if the peer has no
        such step."""
        if not hasattr(self.peer, step.name) and (step.name != "start" or not self.peer.starts):
            return None
        for needed in step.needs + (step.name,):
            if needed in self.failed:
                self.failed[step.name] = self.failed[needed]
                return {"failed": self.failed[needed]}
        try:
            return self.start() if step.name == "start" else self.measure(step)
        except (Failed, OSError) as failure:
            self.failed[step.name] = f"{step.name}: {failure}"
            return {"failed": self.failed[step.name]}
        finally:
            self.bench.meter.stop_servers()

    def measure(self, step):
        before = getattr(self.peer, "before_" + step.name, None)
        if before:
            before()
        sync_all(self.bench.place.work)
        warm(self.peer.reads(step.name))
        self.spent.setdefault(step.name, Reading()).add(self.bench.meter.measure(lambda: self.act(step)))
        sync_all(self.bench.place.work)
        result = dict(vars(self.spent[step.name]))
        if step.stores:
            self.held[step.name] = self.peer.stored()
            result.update(self.growth(step))
        if not self.bench.meter.servers:
            del result["wire"]
        return result

    def growth(self, step):
        """What is held more than after the last step before that stores anything."""
        before = (0, 0)
        for name, held in self.held.items():
            if name == step.name:
                break
            before = held
        now = self.held[step.name]
        return {"stored": now[0] - before[0], "disk": now[1] - before[1]}

    def act(self, step):
        """The step itself, and the sync of the file system where the peer leaves that to others."""
        getattr(self.peer, step.name)()
        if step.name not in self.peer.durable:
            sync_all(self.bench.place.work)

    def start(self):
        """The median of many starts of a command that does nothing, and of those that ask a little."""
        result = {"seconds": self.median_start(self.peer.version_command())}
        for name, argv in self.peer.questions().items():
            result[name] = self.median_start(argv)
        return result

    def median_start(self, argv):
        spent = []
        while len(spent) < STARTS and (len(spent) < 3 or sum(spent) < STARTS_SECONDS):
            started = time.monotonic()
            self.bench.meter.run(argv, env=self.peer.environment())
            spent.append(time.monotonic() - started)
        return median(spent)

    def leave(self):
        remove(self.home)


def sync_all(place):
    subprocess.run(["sync", "-f", place], check=True)


def warm(paths):
    """Brings files into the page cache."""
    existing = [path for path in paths if os.path.lexists(path)]
    if existing:
        find = subprocess.Popen(["find", *existing, "-type", "f", "-print0"], stdout=subprocess.PIPE)
        subprocess.run(["xargs", "-0", "-r", "cat"], stdin=find.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        find.stdout.close()
        find.wait()
