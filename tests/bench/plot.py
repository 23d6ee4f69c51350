"""The picture of a report: for every data set and step, how long each took as a multiple of chama's time, on a logarithmic scale."""
import math
from xml.sax.saxutils import escape

import limits
from medians import OURS, Medians, ratio
from steps import ROWS

LEFT, WIDTH, LINE, HEAD, RIGHT = 180, 620, 22, 34, 30
LEAST, MOST = 1 / 16, 128
COLOURS = ("#1f77b4", "#6baed6", "#d62728", "#ff9896", "#2ca02c", "#9467bd", "#8c564b", "#c49c94", "#e377c2", "#7f7f7f",
           "#bcbd22", "#17becf", "#e6ab02", "#1b3a1b")


def place(multiple):
    """Where a multiple of chama's time stands; what is beyond the scale stands at its end."""
    share = math.log(min(max(multiple, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * WIDTH


def words(x, y, text, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(text)}</text>'


def dot(x, y, colour, title):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}" fill-opacity="0.85"><title>{escape(title)}</title></circle>'


def bar(x, y, title):
    return f'<rect x="{x - 1.5:.1f}" y="{y - 8:.1f}" width="3" height="16" fill="#000"><title>{escape(title)}</title></rect>'


def scale(top, bottom):
    """Lines at powers of two; that of chama itself is black."""
    parts = []
    multiple = LEAST
    while multiple <= MOST:
        x = place(multiple)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{"#000" if multiple == 1 else "#ddd"}"/>')
        name = OURS if multiple == 1 else f"{multiple:g}x" if multiple > 1 else f"1/{1 / multiple:g}"
        parts.append(words(x, bottom + 14, name, 'text-anchor="middle"'))
        multiple *= 2
    return parts


def panel(facts, document, colours, top):
    """(elements, bottom) of one data set."""
    medians = Medians(facts["name"], document)
    rows = [row for row in ROWS if row.unit == "s" and medians.value(OURS, row.step, row.metric)]
    bottom = top + HEAD + LINE * len(rows)
    parts = [words(LEFT, top + 16, f"{facts['name']}: {facts['files']} files, {facts['bytes'] / 1e6:.0f} MB", 'font-weight="bold"')]
    parts += scale(top + HEAD - 8, bottom)
    for number, row in enumerate(rows):
        y = top + HEAD + LINE * number + LINE / 2
        ours = medians.value(OURS, row.step, row.metric)
        parts.append(words(LEFT - 8, y + 4, f"{row.title} ({ours:.3g} s)", 'text-anchor="end"'))
        floor = limits.limit(row.limit, facts, medians)
        if floor:
            parts.append(bar(place(floor / ours), y, f"limit: {floor:.3f} s"))
        for peer, colour in colours.items():
            multiple = ratio(medians.value(peer, row.step, row.metric), ours)
            if multiple:
                parts.append(dot(place(multiple), y, colour, f"{peer}: {multiple:.2f} of chama's time"))
    return parts, bottom + 30


def legend(colours, top):
    parts = []
    for number, (peer, colour) in enumerate([*colours.items(), ("limit of the machine", None)]):
        x, y = LEFT + number % 5 * 125, top + number // 5 * 18
        parts += [dot(x, y, colour, peer) if colour else bar(x, y, peer), words(x + 9, y + 4, peer)]
    return parts, top + (len(colours) // 5 + 1) * 18


def svg(document):
    """The whole picture."""
    colours = {peer: COLOURS[number % len(COLOURS)] for number, peer in enumerate(peer for peer in document["settings"] if peer != OURS)}
    parts, bottom = legend(colours, 44)
    for facts in document["data"]:
        more, bottom = panel(facts, document, colours, bottom)
        parts += more
    width = LEFT + WIDTH + RIGHT
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom}" viewBox="0 0 {width} {bottom}" '
                      'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="#fff"/>',
                      words(LEFT, 20, "Time of each step as a multiple of chama's: right of the black line is slower than chama",
                            'font-size="13"'), *parts, "</svg>"]) + "\n"
