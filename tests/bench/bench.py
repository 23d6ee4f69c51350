"""Measures chama against its peers: options, then data sets, rounds, steps and peers in turn, then the report."""
import os
import shutil
import signal
import subprocess
import sys
import time

import limits
import machine
import options
import report
import scratch
import source
from data import KINDS
from meter import Meter
from options import SOURCE_TREE
from peers import chosen
from secure_shell import SecureShell
from steps import STEPS
from turn import Turn, sync_all, warm

COPIES = 3  # of the data that a peer writes in a round, at most about


class Bench:
    """What the peers share: the meter, chama's program, the ssh server."""

    def __init__(self, chosen_options, place):
        self.options, self.place = chosen_options, place
        # A copy: somebody may build while this runs.
        self.chama = shutil.copy(chosen_options.chama or os.path.join(SOURCE_TREE, "build", "chama"), os.path.join(place.data, "chama"))
        self.meter = Meter(chosen_options.timeout)
        self.shell = None

    def ssh(self):
        """The private ssh server, started for the step that asks."""
        if self.shell is None:
            folder = os.path.join(self.place.data, "ssh")
            os.mkdir(folder, 0o700)
            self.shell = SecureShell(folder)
        self.shell.start(self.meter)
        return self.shell


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def take_step(step, turns, data_source, keep):
    """One step of all peers in turn, through the versions that it goes through."""
    versions = step.versions(data_source.versions)
    for version in versions:
        data_source.show(version)
        for turn in turns:
            result = turn.take(step)
            if result is not None and version == versions[-1]:
                keep(turn.peer.name, result)


def run_round(bench, kinds, data_source, number, keep):
    """All steps of all peers once.  By step, peers in turn; or by peer when the disk cannot hold all of them at once."""
    bench.place.renew_work()
    steps = [step for step in STEPS if step.name in bench.options.steps and (data_source.versions > 1 or not step.later)]
    kinds = rotated(kinds, number)
    room = bench.place.has_room(data_source.files * COPIES * len(kinds), data_source.disk * COPIES * len(kinds))
    groups = [kinds] if room else [(kind,) for kind in kinds]
    for group in groups:
        data_source.show(1)
        turns = [Turn(bench, kind, data_source) for kind in group]
        for step in steps:
            take_step(step, turns, data_source, lambda peer, result: keep(peer, step.name, number, result))
        if not room:
            for turn in turns:
                turn.leave()
            bench.place.drop_old()
    return "by step" if room else "by peer"


def make_source(bench, data_set):
    """Generates or takes one data set."""
    folder = os.path.join(bench.place.data, "set")
    os.mkdir(folder)
    if data_set.kind in KINDS:
        KINDS[data_set.kind].make(folder, data_set.size, bench.options.seed)
        versions = 2
    else:
        versions = source.unpack_given(data_set.folder, folder)
    return source.Source(data_set.title, folder, versions)


def run_data(bench, kinds, data_set, document):
    """All rounds with one data set.  The report is written after each, so that what was measured stays if the run is ended."""
    say(f"{data_set.title}: making the data")
    data_source = make_source(bench, data_set)
    sync_all(bench.place.data)
    time.sleep(source.SETTLE_SECONDS)
    warm([data_source.path])
    facts = {"name": data_source.name, "kind": data_set.kind, "files": data_source.files, "bytes": data_source.bytes,
             "versions": data_source.versions, "limits": limits.measure(SOURCE_TREE, data_source.path, bench.place.data)}

    document["data"].append(facts)

    def keep(peer, step, number, result):
        document["results"].append({"data": data_source.name, "peer": peer, "step": step, "round": number, **result})
        told = f"FAILED: {result['failed']}" if "failed" in result else f"{result['seconds']:.3f} s"
        say(f"{data_source.name} round {number + 1} {peer}: {step}: {told}")

    kinds = tuple(kind for kind in kinds if kind.fits(data_source))
    for number in range(bench.options.rounds):
        facts["order"] = run_round(bench, kinds, data_source, number, keep)
        document["machine"]["load at end"] = machine.load()
        report.write(document, bench.options)
    bench.place.renew_work()
    subprocess.run(["rm", "-rf", data_source.folder], check=False)


def build():
    made = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "all", "build/limits"], cwd=SOURCE_TREE, capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"run.sh: cannot build chama:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")


def install(families):
    mode = "bench" if families else "test"
    if subprocess.run(["sh", "scripts/packages.sh", mode], cwd=SOURCE_TREE).returncode != 0:
        sys.exit(1)


def check_room(data, place):
    """Says at once what would fail after hours."""
    for data_set in data:
        room = KINDS[data_set.kind].room(data_set.size) if data_set.kind in KINDS else 0
        if room > place.free():
            raise SystemExit(f"run.sh: --data {data_set.title}: want {room >> 20} MiB of free disk, have {place.free() >> 20}: "
                             "another --scratch or TMPDIR, or less data")


def measure_all(chosen_options, place):
    check_room(chosen_options.data, place)
    bench = Bench(chosen_options, place)
    kinds = chosen(chosen_options.peers)
    document = {"machine": machine.facts(place, kinds, bench), "options": chosen_options.words, "data": [], "results": [],
                "way to files": {kind.name: kind.way_to_files for kind in kinds}, "settings": {kind.name: kind.settings for kind in kinds}}
    try:
        for data_set in chosen_options.data:
            run_data(bench, kinds, data_set, document)
    finally:
        bench.meter.stop_servers()


def end(number, frame):
    raise KeyboardInterrupt


def main():
    chosen_options = options.parse(sys.argv[1:])
    if not scratch.inside():
        install(chosen_options.peers)
        if not chosen_options.chama:
            build()
        scratch.enter_namespaces([sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    else:
        scratch.prepare_inside()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    place = scratch.open_scratch(chosen_options.scratch)
    try:
        measure_all(chosen_options, place)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        place.close()


if __name__ == "__main__":
    main()
