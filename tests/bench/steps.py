"""The steps that are measured, in the order in which every peer takes them, and the rows that the tables make of them."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """@name is the peer's method; a peer without it has no such notion.  @shows is the version that the source shows during the step:
    1, or 2: the last (publish2: each after the first).  @needs are steps without which it cannot run; those that are @later make no sense
    when there is only one version."""
    name: str
    shows: int
    needs: tuple = ()
    later: bool = False


STEPS = (
    Step("publish", 1),
    Step("again", 1, ("publish",)),
    Step("sync", 1, ("publish",)),
    Step("checkout", 1, ("publish", "sync")),
    Step("publish2", 2, ("publish",), True),
    Step("sync2", 2, ("publish2", "sync"), True),
    Step("update", 2, ("checkout", "sync2"), True),
    Step("verify", 2, ("publish2", "sync2")),
    Step("start", 2),
)
NAMES = tuple(step.name for step in STEPS)


@dataclass(frozen=True)
class Row:
    """One line of a table: @metric of @step.  @limit names the formula in limits.py."""
    title: str
    unit: str
    step: str
    metric: str
    limit: str = ""


ROWS = (
    Row("publish v1", "s", "publish", "seconds", "publish"),
    Row("stored", "MB", "publish", "stored"),
    Row("disk used", "MB", "publish", "disk"),
    Row("publish again", "s", "again", "seconds", "stat"),
    Row("first sync", "s", "sync", "seconds", "sync"),
    Row("wire", "MB", "sync", "wire"),
    Row("checkout", "s", "checkout", "seconds", "copy"),
    Row("sync + checkout", "s", "together", "seconds", "together"),
    Row("publish v2", "s", "publish2", "seconds"),
    Row("new stored", "MB", "publish2", "stored"),
    Row("sync v2", "s", "sync2", "seconds"),
    Row("wire v2", "MB", "sync2", "wire"),
    Row("update in place", "s", "update", "seconds"),
    Row("sync v2 + update", "s", "together2", "seconds"),
    Row("verify all", "s", "verify", "seconds", "verify"),
    Row("start", "ms", "start", "seconds"),
    Row("list", "ms", "start", "list"),
    Row("files", "ms", "start", "files"),
    Row("diff", "ms", "start", "diff"),
)
MEMORY_STEPS = ("publish", "sync", "checkout", "publish2", "verify")
