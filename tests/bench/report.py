"""Results to tables: medians over rounds, ratios to the best peer and to the machine's limit; Markdown and JSON."""
import json
import os
import statistics

import limits
import plot
from steps import MEMORY_STEPS, ROWS

OURS, YARDSTICK = "chama", "cp -a"
SCALES = {"s": (1, ".3f"), "ms": (1e3, ".1f"), "MB": (1e-6, ".2f"), "MiB": (1 / 1024**2, ".0f")}
BEGIN, END = "<!-- table: run.sh --readme writes between these lines -->", "<!-- end of table -->"


def median(values):
    return statistics.median(values)


# What a receiver waits for until it has plain files: name of the sum, and its parts.
SUMS = (("together", "sync", "checkout"), ("together2", "sync2", "update"))


def with_sums(results, way_to_files):
    """The results and the SUMS of every round.  @way_to_files: for every peer, which of the two parts must be there (peers/base.py)."""
    found = {(one["peer"], one["round"], one["step"]): one["seconds"] for one in results if "seconds" in one}
    sums = []
    for peer, number in dict.fromkeys((one["peer"], one["round"]) for one in results):
        for total, *parts in SUMS:
            wanted = [part for part, needed in zip(parts, way_to_files[peer]) if needed]
            if wanted and all((peer, number, part) in found for part in wanted):
                sums.append({"peer": peer, "round": number, "step": total, "seconds": sum(found[peer, number, part] for part in wanted)})
    return results + sums


class Medians:
    """Of one data set: value(peer, step, metric) is the median over the rounds, or None."""

    def __init__(self, data, document):
        self.values, self.failures = {}, {}
        for one in with_sums([one for one in document["results"] if one["data"] == data], document["way to files"]):
            if "failed" in one:
                self.failures[one["peer"], one["step"]] = one["failed"]
            for metric, value in one.items():
                if isinstance(value, (int, float)) and metric != "round":
                    self.values.setdefault((one["peer"], one["step"], metric), []).append(value)

    def value(self, peer, step, metric):
        values = self.values.get((peer, step, metric))
        return median(values) if values else None

    def failed(self, peer, step):
        return (peer, step) in self.failures

    def best(self, peers, row):
        """(name, value) of the best of the peers, the smallest value; (None, None) if none has any."""
        found = [(self.value(peer, row.step, row.metric), peer) for peer in peers]
        found = [(value, peer) for value, peer in found if value is not None]
        return min(found)[::-1] if found else (None, None)


def ratio(value, base):
    return None if value is None or not base else value / base


def target_of(row, data):
    wanted = dict(row.target)
    return wanted.get(data, wanted.get(""))


def shown(value, unit):
    if value is None:
        return "-"
    scale, form = SCALES[unit]
    return format(value * scale, form)


def times(value):
    return "-" if value is None else f"{value:.2f}"


def table(head, lines):
    width = len(head)
    return "\n".join(["| " + " | ".join(line) + " |" for line in [head, ["---"] + ["---:"] * (width - 1), *lines]]) + "\n"


def compare(facts, medians, peers):
    """One line per row: chama, the best peer, the ratio, what is wanted, the machine's limit."""
    rivals = [peer for peer in peers if peer not in (OURS, YARDSTICK)]
    copy = medians.value(YARDSTICK, "checkout", "seconds")
    lines = []
    for row in ROWS:
        ours = medians.value(OURS, row.step, row.metric)
        name, best = medians.best(rivals, row)
        if ours is None and best is None:
            continue
        wanted = target_of(row, facts["name"])
        against = ratio(ours, best)
        floor = limits.limit(row.limit, facts["limits"], copy)
        verdict = "" if wanted is None or against is None else "yes" if against <= wanted else "no"
        own = "failed" if medians.failed(OURS, row.step) else shown(ours, row.unit)
        lines.append([f"{row.title} [{row.unit}]", own, shown(best, row.unit), name or "-", times(against), times(wanted), verdict,
                      shown(floor, row.unit), times(ratio(ours, floor))])
    return table(["step", "chama", "best peer", "which", "ratio", "want", "met", "limit", "chama/limit"], lines)


def cell(medians, peer, row):
    if medians.failed(peer, row.step):
        return "failed"
    return shown(medians.value(peer, row.step, row.metric), row.unit)


def everyone(medians, peers):
    rows = [row for row in ROWS if any(medians.value(peer, row.step, row.metric) is not None or medians.failed(peer, row.step) for peer in peers)]
    return table(["peer"] + [f"{row.title} [{row.unit}]" for row in rows], [[peer] + [cell(medians, peer, row) for row in rows] for peer in peers])


def resources(medians, peers):
    """CPU seconds of every step, and its peak memory: resident / anonymous."""
    head = ["peer"] + [f"{step} CPU [s]" for step in MEMORY_STEPS] + [f"{step} [MiB]" for step in MEMORY_STEPS]
    lines = []
    for peer in peers:
        cpu = [shown(medians.value(peer, step, "cpu"), "s") for step in MEMORY_STEPS]
        memory = [(medians.value(peer, step, "rss"), medians.value(peer, step, "anon")) for step in MEMORY_STEPS]
        lines.append([peer] + cpu + ["-" if rss is None else f"{shown(rss, 'MiB')} / {shown(anon, 'MiB')}" for rss, anon in memory])
    return table(head, lines)


def limits_line(part):
    rates = ", ".join(f"{title} {part[name] / 1e6:.0f} MB/s" for title, name in
                      (("SHA-256", "sha256"), ("chunker", "chunker"), ("zstd-1", "zstd"), ("zstd expanding", "unzstd"), ("TLS", "tls")))
    return (f"Limits here, one thread each: {rates}; zstd-1 makes {part['zstd_ratio']:.3f} of the data; stat of every file "
            f"{part['walk_seconds']:.3f} s, reading every file {part['read_seconds']:.3f} s.\n")


def section(facts, document, peers):
    medians = Medians(facts["name"], document)
    failures = "".join(f"- {peer}, {step}: {text}\n" for (peer, step), text in medians.failures.items())
    return "\n".join([f"### {facts['name']}: {facts['files']} files, {facts['bytes'] / 1e6:.1f} MB, {facts['versions']} versions\n",
                      compare(facts, medians, peers), limits_line(facts["limits"]) + f"Interleaved {facts['order']}.\n", everyone(medians, peers),
                      "CPU time of a step (commands and the daemons they talk to) and the peak memory of its commands, resident / anonymous:\n",
                      resources(medians, peers), f"Failed:\n\n{failures}" if failures else ""])


def markdown(document):
    """The whole report."""
    peers = list(document["settings"])
    known = document["machine"]
    rounds = 1 + max((one["round"] for one in document["results"]), default=0)
    about = [f"- {key}: {value}" for key, value in known.items() if key != "versions"]
    about += [f"- versions: {'; '.join(dict.fromkeys(known['versions'].values()))}", f"- command: `run.sh {document['options']}`, medians of {rounds} rounds"]
    settings = table(["peer", "settings"], [[peer, text] for peer, text in document["settings"].items()])
    return "\n".join(["\n".join(about) + "\n", *(section(facts, document, peers) for facts in document["data"]), "### Settings\n", settings])


def write(document, options):
    """table.md, table.json and plot.svg; with --readme also into README.md."""
    os.makedirs(options.output, exist_ok=True)
    text, picture = markdown(document), plot.svg(document)
    for name, content in (("table.md", text), ("table.json", json.dumps(document, indent=1) + "\n"), ("plot.svg", picture)):
        with open(os.path.join(options.output, name), "w") as file:
            file.write(content)
    if options.readme:
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "plot.svg"), "w") as file:
            file.write(picture)
        put_between(os.path.join(here, "README.md"), text)


def put_between(path, text):
    """Replaces what is between the two marker lines of @path."""
    with open(path) as file:
        old = file.read()
    head, rest = old.split(BEGIN)
    with open(path, "w") as file:
        file.write(f"{head}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}")
