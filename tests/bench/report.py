"""Results as tables: ratios to the best peer, to the machine's limit and to what is wanted; Markdown and JSON."""
import json
import os

import limits
import plot
from medians import OURS, Medians, Verdict, ratio
from steps import MEMORY_STEPS, ROWS, Row
from targets import ANYONE, TARGETS

SCALES = {"s": (1, ".3f"), "ms": (1e3, ".1f"), "MB": (1e-6, ".2f"), "MiB": (1 / 1024**2, ".0f")}
BEGIN, END = "<!-- table: run.sh --readme writes between these lines -->", "<!-- end of table -->"


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


def compare(facts, medians):
    """One line per row: chama, the best peer, the ratio, the machine's limit."""
    lines = []
    for row in ROWS:
        ours = medians.value(OURS, row.step, row.metric)
        name, best = medians.best(ANYONE, row.step, row.metric)
        if ours is None and best is None:
            continue
        floor = limits.limit(row.limit, facts, medians)
        own = "failed" if medians.failed(OURS, row.step) else shown(ours, row.unit)
        effort = ratio(medians.value(OURS, row.step, "cpu"), medians.value(name, row.step, "cpu")) if row.metric == "seconds" else None
        lines.append([f"{row.title} [{row.unit}]", own, shown(best, row.unit), name or "-", times(ratio(ours, best)), times(effort),
                      shown(floor, row.unit), times(ratio(ours, floor))])
    return table(["step", "chama", "best peer", "which", "chama/best", "in CPU time", "limit", "chama/limit"], lines)


def wanted(facts, medians):
    """One line per target that can be judged."""
    lines = []
    for target in TARGETS:
        verdict = Verdict(target, medians, limits.limit(target.limit, facts, medians))
        if not target.applies(facts["kind"]) or verdict.met is None:
            continue
        most = times(target.most) if verdict.name else shown(target.most, target.unit)
        lines.append([f"{target.name} {target.title} [{target.unit}]", shown(verdict.value, target.unit), verdict.name or "-",
                      shown(verdict.base, target.unit), times(verdict.ratio), most, "yes" if verdict.met else "NO"])
    return table(["target", "chama", "against", "its value", "ratio", "at most", "met"], lines)


def cell(medians, peer, row):
    if medians.failed(peer, row.step):
        return "failed"
    return shown(medians.value(peer, row.step, row.metric), row.unit)


def everyone(medians, peers):
    rows = [row for row in ROWS if any(medians.value(peer, row.step, row.metric) is not None or medians.failed(peer, row.step) for peer in peers)]
    return table(["peer"] + [f"{row.title} [{row.unit}]" for row in rows], [[peer] + [cell(medians, peer, row) for row in rows] for peer in peers])


def resources(medians, peers):
    """CPU seconds of every step, and its peak memory: resident / anonymous."""
    head = ["peer"] + [f"{step} CPU [s]" for step in MEMORY_STEPS] + [f"{step} [MiB]" for step in MEMORY_STEPS] + ["sync's daemons [MiB]"]
    lines = []
    for peer in peers:
        cpu = [shown(medians.value(peer, step, "cpu"), "s") for step in MEMORY_STEPS]
        memory = [(medians.value(peer, step, "rss"), medians.value(peer, step, "anon")) for step in MEMORY_STEPS]
        daemons = medians.value(peer, "sync", "server_rss") or None
        memory.append((daemons, medians.value(peer, "sync", "server_anon")))
        lines.append([peer] + cpu + ["-" if rss is None else f"{shown(rss, 'MiB')} / {shown(anon, 'MiB')}" for rss, anon in memory])
    return table(head, lines)


def limits_line(part):
    if not part:
        return "The machine's limits were not measured.\n"
    rates = ", ".join(f"{title} {part[name] / 1e6:.0f} MB/s" for title, name in
                      (("SHA-256", "sha256"), ("chunker", "chunker"), ("zstd-1", "zstd"), ("zstd expanding", "unzstd"), ("TLS", "tls")))
    return (f"Limits here, one thread each: {rates}; zstd-1 makes {part['zstd_ratio']:.3f} of the data; stat of every file "
            f"{part['walk_seconds']:.3f} s, reading every file {part['read_seconds']:.3f} s.\n")


def order_line(facts, rounds):
    once = f"  Only in the first round, since that took them over ten minutes: {', '.join(facts['once'])}." if facts["once"] else ""
    return f"Interleaved {facts['order']}; rounds: {rounds}.{once}\n"


def section(facts, document):
    medians = Medians(facts["name"], document)
    took_part = {one["peer"] for one in document["results"] if one["data"] == facts["name"]}
    peers = [peer for peer in document["settings"] if peer in took_part]
    rounds = 1 + max((one["round"] for one in document["results"] if one["data"] == facts["name"]), default=0)
    failures = "".join(f"- {peer}, {step}: {text}\n" for (peer, step), text in medians.failures.items())
    return "\n".join([f"### {facts['name']}: {facts['files']} files, {facts['bytes'] / 1e6:.1f} MB, {facts['versions']} versions\n",
                      wanted(facts, medians), compare(facts, medians),
                      limits_line(facts["limits"]), order_line(facts, rounds), everyone(medians, peers),
                      "CPU time of a step (commands and the daemons they talk to) and the peak memory of its commands, resident / anonymous:\n",
                      resources(medians, peers), f"Failed:\n\n{failures}" if failures else ""])


def growth(document):
    """For every kind of data that was measured in more than one size: chama's steps, and how much more than linear the largest took."""
    sections = []
    for kind in dict.fromkeys(facts["kind"] for facts in document["data"]):
        sizes = sorted((facts for facts in document["data"] if facts["kind"] == kind), key=lambda facts: facts["bytes"])
        if len(sizes) > 1 and kind != "given":
            sections.append(f"### Growth of {kind}\n\n" + growth_of(sizes, document))
    return sections


def growth_of(sizes, document):
    all_medians = [Medians(facts["name"], document) for facts in sizes]
    linear = sizes[-1]["bytes"] / sizes[0]["bytes"]
    lines = []
    for row in ROWS + (Row("publish, anonymous", "MiB", "publish", "anon"),):
        values = [medians.value(OURS, row.step, row.metric) for medians in all_medians]
        if any(value is not None for value in values):
            grown = ratio(values[-1], values[0])
            lines.append([f"{row.title} [{row.unit}]", *(shown(value, row.unit) for value in values), times(grown and grown / linear)])
    return table(["chama", *(f"{facts['files']} files, {facts['bytes'] / 1e6:.0f} MB" for facts in sizes), "to linear"], lines)


def markdown(document):
    """The whole report."""
    known = document["machine"]
    about = [f"- {key}: {value}" for key, value in known.items() if key != "versions"]
    about += ["- versions: " + "; ".join(f"{peer}: {text}" for peer, text in known["versions"].items()),
              f"- command: `run.sh {document['options']}`"]
    settings = table(["peer", "settings"], [[peer, text] for peer, text in document["settings"].items()])
    return "\n".join(["\n".join(about) + "\n", *(section(facts, document) for facts in document["data"]),
                      *growth(document), "### Settings\n", settings])


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
