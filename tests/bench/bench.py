"""Measures chama against its peers: packages, build, a place to work in, and then one data set after the other (course.py)."""
import os
import shutil
import signal
import subprocess
import sys

import machine
import options
import scratch
from course import Course
from data import KINDS
from meter import Meter
from options import SOURCE_TREE
from peers import chosen
from secure_shell import SecureShell

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
            Course(bench, kinds, data_set, document).run()
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
