"""The arithmetic of the report: medians over rounds, sums of steps, the best of some peers, ratios."""
import statistics

OURS, YARDSTICK = "chama", "cp -a"
# What a receiver waits for until it has plain files: name of the sum, and its parts.
SUMS = (("together", "sync", "checkout"), ("together2", "sync2", "update"))


def median(values):
    return statistics.median(values)


def ratio(value, base):
    return None if value is None or not base else value / base


def with_sums(results, way_to_files):
    """The results and the SUMS of every round.  @way_to_files: for every peer, which of the two parts must be there (peers/base.py)."""
    found = {(one["peer"], one["round"], one["step"]): one for one in results if "cpu" in one}
    sums = []
    for peer, number in dict.fromkeys((one["peer"], one["round"]) for one in results):
        for total, *parts in SUMS:
            wanted = [part for part, needed in zip(parts, way_to_files[peer]) if needed]
            if wanted and all((peer, number, part) in found for part in wanted):
                sums.append({"peer": peer, "round": number, "step": total,
                             **{cost: sum(found[peer, number, part][cost] for part in wanted) for cost in ("seconds", "cpu")}})
    return results + sums


class Medians:
    """Of one data set of a document (report.py).  @failures: (peer, step) -> what it said."""

    def __init__(self, data, document):
        self.values, self.failures = {}, {}
        for one in with_sums([one for one in document["results"] if one["data"] == data], document["way to files"]):
            if "failed" in one:
                self.failures[one["peer"], one["step"]] = one["failed"]
            for metric, value in one.items():
                if isinstance(value, (int, float)) and metric != "round":
                    self.values.setdefault((one["peer"], one["step"], metric), []).append(value)

    def value(self, peer, step, metric):
        """The median over the rounds, or None if the peer has no such step, or failed in it."""
        values = self.values.get((peer, step, metric))
        return median(values) if values else None

    def failed(self, peer, step):
        return (peer, step) in self.failures

    def best(self, peers, step, metric):
        """(name, value) of the peer with the smallest value; (None, None) if none has any."""
        found = [(self.value(peer, step, metric), peer) for peer in peers]
        found = [(value, peer) for value, peer in found if value is not None]
        return min(found)[::-1] if found else (None, None)


class Verdict:
    """How chama stands to one target: @value, @name and @base it is measured against, @ratio, and @met, None where nothing can be said."""

    def __init__(self, target, medians, floor):
        self.value = medians.value(OURS, target.step, target.metric)
        if target.limit:
            self.name, self.base = "the limit", floor
        elif target.peers:
            self.name, self.base = medians.best(target.peers, *target.base())
        else:
            self.name, self.base = None, None
        self.ratio = ratio(self.value, self.base)
        judged = self.ratio if target.limit or target.peers else self.value
        self.met = None if judged is None else judged <= target.most
