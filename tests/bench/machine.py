"""What a reader must know of the machine and the programs to judge the figures."""
import os
import platform
import subprocess


def load():
    return " ".join(f"{one:.2f}" for one in os.getloadavg())


def processor():
    with open("/proc/cpuinfo") as text:
        for line in text:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def memory():
    with open("/proc/meminfo") as text:
        return f"{int(text.readline().split()[1]) // 1024**2} GiB"


def version_of(kind, bench):
    """The first line with a number in it that the program prints about itself."""
    command = kind(bench, None, bench.place.data).version_command()
    try:
        said = subprocess.run(command, capture_output=True, text=True)
        return next((" ".join(line.split()) for line in (said.stdout + said.stderr).splitlines() if any(c.isdigit() for c in line)), "?")
    except OSError as failure:
        return str(failure)


def facts(place, kinds, bench):
    return {"processor": processor(), "cores": os.cpu_count(), "memory": memory(), "kernel": platform.release(), "file system": place.about(),
            "load at start": load(), "versions": {kind.family: version_of(kind, bench) for kind in kinds}}
