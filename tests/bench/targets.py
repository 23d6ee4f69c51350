"""What chama wants to reach, each as a ratio measured in one run."""
from dataclasses import dataclass

BORG = ("borg lz4", "borg zstd,3")
SECURE = ("rsync ssh", "rsync zstd", "restic", "restic off", "ostree")
RSYNC = ("rsync ssh", "rsync zstd", "rsync daemon")
HISTORY = BORG + ("restic", "restic off", "casync", "ostree", "git", "git -0", "git-annex")
ANYONE = HISTORY + RSYNC
PATCH = ("zstd patch",)
COPY = ("cp -a",)


@dataclass(frozen=True)
class Target:
    """chama's @metric of @step is to be at most @most times the least @base_metric of @base_step among @peers; with @limit, times the
    machine's limit of that name; with neither, at most @most itself.  @data: only for these data sets; @not_data: not for those."""
    name: str
    title: str
    unit: str
    step: str
    metric: str
    most: float
    peers: tuple = ()
    base_step: str = ""
    base_metric: str = ""
    limit: str = ""
    data: tuple = ()
    not_data: tuple = ()

    def applies(self, data):
        return data not in self.not_data and (not self.data or data in self.data)

    def base(self):
        return self.base_step or self.step, self.base_metric or self.metric


TARGETS = (
    Target("P1", "publish v1", "s", "publish", "seconds", 0.6, ANYONE, data=("csv",)),
    Target("P1", "publish v1", "s", "publish", "seconds", 0.7, ANYONE, not_data=("csv", "tiny")),
    Target("P8", "publish v1", "s", "publish", "seconds", 0.6, ("casync",), data=("tiny",)),
    Target("P1", "publish v1", "s", "publish", "seconds", 1 / 0.8, limit="publish"),
    Target("P1", "stored", "MB", "publish", "stored", 1.05, ANYONE),
    Target("P2", "publish v2", "s", "publish2", "seconds", 0.5, BORG),
    Target("P2", "publish v2", "s", "publish2", "seconds", 1.5, ("git", "git -0")),
    Target("P2", "new stored", "MB", "publish2", "stored", 1.0, HISTORY),
    Target("P3", "publish again", "s", "again", "seconds", 2.0, ("git", "git -0")),
    Target("P4", "first sync", "s", "sync", "seconds", 0.5, SECURE),
    Target("P4", "wire, to what is stored", "MB", "sync", "wire", 1.02, ("chama",), "publish", "stored"),
    Target("P4", "sync + checkout", "s", "together", "seconds", 1.0, RSYNC),
    Target("P5", "sync v2", "s", "sync2", "seconds", 1.0, ("rsync daemon",)),
    Target("P5", "wire v2", "MB", "sync2", "wire", 1.0, ANYONE),
    Target("P5b", "wire v2, to the patch", "MB", "sync2", "wire", 3.0, PATCH, "publish2", "stored", data=("scattered",)),
    Target("P5b", "new stored, to the patch", "MB", "publish2", "stored", 5.0, PATCH, data=("scattered",)),
    Target("P6", "checkout", "s", "checkout", "seconds", 0.6, ANYONE),
    Target("P6", "checkout", "s", "checkout", "seconds", 2.0, COPY),
    Target("P6", "update in place", "s", "update", "seconds", 0.6, ANYONE),
    Target("P7", "verify all", "s", "verify", "seconds", 0.3, BORG),
    Target("P7", "verify all", "s", "verify", "seconds", 1 / 0.7, limit="verify"),
    Target("P8", "first sync", "s", "sync", "seconds", 1.0, HISTORY, data=("tiny",)),
    Target("P8", "checkout", "s", "checkout", "seconds", 1.0, HISTORY, data=("tiny",)),
    Target("P8", "verify all", "s", "verify", "seconds", 1.0, HISTORY, data=("tiny",)),
    Target("P9", "start", "ms", "start", "seconds", 0.020),
    Target("P10", "list", "ms", "start", "list", 0.5),
    Target("P10", "diff", "ms", "start", "diff", 0.5),
    Target("P10", "files", "ms", "start", "files", 2.0),
    *(Target("memory", f"anonymous, {step}", "MiB", step, "anon", 150 * 1024**2) for step in ("publish", "sync", "checkout", "publish2", "verify")),
)
