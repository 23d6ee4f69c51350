"""The steps that are measured, in the order in which every peer takes them, and the rows that the tables make of them."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """@name is the peer's method; a peer without it has no such notion.  @first: the source shows its first version, otherwise its last, or,
    for a step that is done for @each version after the first, one after the other.  @needs are steps without which it cannot run.  Those
    that are @later make no sense when there is only one version.  After those that @store, what the peer holds is weighed."""
    name: str
    needs: tuple = ()
    first: bool = False
    each: bool = False
    later: bool = False
    stores: bool = False

    def versions(self, count):
        """The versions that the source shows, of @count."""
        if self.first:
            return (1,)
        return range(2, count + 1) if self.each else (count,)


STEPS = (
    Step("publish", first=True, stores=True),
    Step("again", ("publish",), first=True, stores=True),
    Step("sync", ("publish",), first=True),
    Step("checkout", ("publish", "sync"), first=True),
    Step("publish2", ("publish",), each=True, later=True, stores=True),
    Step("sync2", ("publish2", "sync"), later=True),
    Step("update", ("checkout", "sync2"), later=True),
    Step("verify", ("publish", "publish2", "sync2")),
    Step("start", ("publish", "publish2")),
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
