"""What every peer is: a folder of its own, a settings line, and one method for each step that it has a notion of (steps.py)."""
import os

PRIVATE = {"HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def size_of(*paths):
    """(bytes, bytes allocated on disk) of all files below @paths; a hard link counts once."""
    size = disk = 0
    seen = set()
    pending = [path for path in paths if os.path.lexists(path)]
    while pending:
        path = pending.pop()
        state = os.lstat(path)
        if os.path.isdir(path) and not os.path.islink(path):
            pending += [entry.path for entry in os.scandir(path)]
            disk += state.st_blocks * 512
        elif (state.st_dev, state.st_ino) not in seen:
            seen.add((state.st_dev, state.st_ino))
            size += state.st_size
            disk += state.st_blocks * 512
    return size, disk


class Peer:
    """A peer in one round: made for it, thrown away after it.

    prepare() is not timed, nor is before_STEP(), if there is one; the methods named like steps are.  @durable names the steps after
    which the peer itself has fsynced what it wrote; after all others the driver syncs the file system within the timed step.
    """
    name = ""
    family = ""
    settings = ""
    durable = frozenset()
    way_to_files = (True, True)  # which of sync and checkout a receiver needs until it has plain files
    starts = True                # whether to time starts of its program (once in a family is enough)

    def __init__(self, run, source, home):
        self.bench, self.source, self.home = run, source, home

    def path(self, *names):
        return os.path.join(self.home, *names)

    def environment(self):
        return {"PATH": os.environ["PATH"], **PRIVATE, "HOME": self.home, "TMPDIR": self.home}

    def run(self, *argv, cwd=None, output=None, accept=(0,)):
        self.bench.meter.run([str(word) for word in argv], cwd=cwd, env=self.environment(), output=output, accept=accept)

    def serve(self, *argv, ready=None, name="server"):
        self.bench.meter.serve([str(word) for word in argv], env=self.environment(), log=self.path(f"{name}.log"), ready=ready)

    def prepare(self):
        """Makes what must be there before the first step."""

    def stored(self):
        """(bytes of content and of the lists that lead to it, bytes of disk of all) that the publishing side holds."""
        return size_of(self.home)

    def reads(self, step):
        """What the step reads, to be brought into the page cache before it."""
        return [self.source.path] if step.startswith("publish") or step == "again" else [self.home]

    def version_command(self):
        """Prints the program's version in its first line."""
        return [self.family, "--version"]

    def questions(self):
        """Commands that ask a little about what is held, by what they ask: "list" what there is, "files" of the last version, "diff" of the
        last version to the first."""
        return {}

    @staticmethod
    def fits(source):
        """Whether it can take part with this source at all."""
        return True
