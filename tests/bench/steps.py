"""The steps that are measured, in the order in which every peer takes them, and the rows that the tables make of them."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """@name is the peer's method; a peer without it has no such notion.  @shows is the version that the source shows during the step:
    1 or 2 (2 means: one after the other, up to the last).  @needs are steps without which it cannot run."""
    name: str
    shows: int
    needs: tuple = ()


STEPS = (
    Step("publish", 1),
    Step("again", 1, ("publish",)),
    Step("sync", 1, ("publish",)),
    Step("checkout", 1, ("publish", "sync")),
    Step("publish2", 2, ("publish",)),
    Step("sync2", 2, ("publish2", "sync")),
    Step("update", 2, ("checkout", "sync2")),
    Step("verify", 2, ("publish2", "sync2")),
    Step("start", 2),
)
NAMES = tuple(step.name for step in STEPS)


@dataclass(frozen=True)
class Row:
    """One line of a table: @metric of @step.  @target is the largest ratio to the best peer that chama wants, by data set ("" for all
    others); @limit names the formula in limits.py."""
    title: str
    unit: str
    step: str
    metric: str
    target: tuple = ()
    limit: str = ""


ROWS = (
    Row("publish v1", "s", "publish", "seconds", (("csv", 0.6), ("", 0.7)), "publish"),
    Row("stored", "MB", "publish", "stored", (("", 1.05),)),
    Row("disk used", "MB", "publish", "disk"),
    Row("publish v2", "s", "publish2", "seconds", (("", 0.5),)),
    Row("new stored", "MB", "publish2", "stored", (("", 1.0),)),
    Row("publish again", "s", "again", "seconds", (("", 2.0),), "stat"),
    Row("first sync", "s", "sync", "seconds", (("", 0.5),), "sync"),
    Row("wire", "MB", "sync", "wire"),
    Row("sync + checkout", "s", "together", "seconds", (("", 1.0),), "together"),
    Row("sync v2", "s", "sync2", "seconds", (("", 1.0),)),
    Row("wire v2", "MB", "sync2", "wire", (("", 1.0),)),
    Row("checkout", "s", "checkout", "seconds", (("", 0.6),), "copy"),
    Row("update in place", "s", "update", "seconds", (("", 0.6),)),
    Row("sync v2 + update", "s", "together2", "seconds"),
    Row("verify all", "s", "verify", "seconds", (("", 0.3),), "verify"),
    Row("start", "ms", "start", "seconds", (("", 1.0),)),
    Row("list", "ms", "start", "list"),
)
MEMORY_STEPS = ("publish", "sync", "checkout", "publish2", "verify")
