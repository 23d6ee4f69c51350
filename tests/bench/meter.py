"""Runs the commands of one step and measures them: wall time, CPU time, peak memory, bytes through the loopback device."""
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

SAMPLE_SECONDS = 0.02
LOOPBACK = "/proc/net/dev"
TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A command of a peer failed; the text is what it said last."""


@dataclass
class Reading:
    """What one step cost.  Bytes are bytes, times are seconds; the server_ fields are those of the daemons that the step talked to."""
    seconds: float = 0.0
    cpu: float = 0.0
    rss: int = 0
    anon: int = 0
    server_rss: int = 0
    server_anon: int = 0
    wire: int = 0

    def add(self, other):
        """What both cost, one after the other."""
        for name in ("seconds", "cpu", "wire"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("rss", "anon", "server_rss", "server_anon"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))


def loopback_bytes():
    """Bytes that went over lo so far.  In the run's own network namespace nobody else sends any."""
    with open(LOOPBACK) as table:
        for line in table:
            name, _, counters = line.partition(":")
            if name.strip() == "lo":
                return int(counters.split()[8])
    return 0


def descendants(pid):
    """@pid and all processes below it that are alive."""
    found = [pid]
    for parent in found:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children") as children:
                    found += [int(child) for child in children.read().split()]
        except OSError:
            pass
    return found


def memory_of(pid):
    """(peak resident, resident, anonymous resident) of one process in bytes; zeros when it is gone."""
    wanted = {"VmHWM:": 0, "VmRSS:": 0, "RssAnon:": 0}
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                key = line.split(None, 1)[0]
                if key in wanted:
                    wanted[key] = int(line.split()[1]) * 1024
    except OSError:
        pass
    return tuple(wanted.values())


def cpu_of(pids):
    """CPU seconds that these processes, and their children that ended, used so far."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                total += sum(int(field) for field in stat.read().rsplit(")", 1)[1].split()[11:15])
        except OSError:
            pass
    return total / TICK


class Sampler(threading.Thread):
    """Looks every SAMPLE_SECONDS at the memory of the command that runs and of the servers."""

    def __init__(self, meter):
        super().__init__(daemon=True)
        self.meter = meter
        self.ended = threading.Event()
        self.peak = {"rss": 0, "anon": 0, "server_rss": 0, "server_anon": 0}

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            self.look("", self.meter.command)
            self.look("server_", *[server.pid for server in self.meter.servers])

    def look(self, prefix, *roots):
        seen = [memory_of(pid) for root in roots if root for pid in descendants(root)]
        if seen:
            resident = max(max(one[0] for one in seen), sum(one[1] for one in seen))
            self.peak[prefix + "rss"] = max(self.peak[prefix + "rss"], resident)
            self.peak[prefix + "anon"] = max(self.peak[prefix + "anon"], sum(one[2] for one in seen))

    def finish(self):
        self.ended.set()
        self.join()
        return self.peak


class Meter:
    """The one place where processes are started.  Only one step at a time is measured."""

    def __init__(self, timeout):
        self.timeout = timeout
        self.command = None
        self.servers = []
        self.cpu = 0.0

    def measure(self, action):
        """Calls @action, which runs commands through run(), and returns the Reading."""
        self.cpu = 0.0
        server_pids = [pid for server in self.servers for pid in descendants(server.pid)]
        server_cpu, wire = cpu_of(server_pids), loopback_bytes()
        sampler = Sampler(self)
        sampler.start()
        started = time.monotonic()
        try:
            action()
            seconds = time.monotonic() - started
        finally:
            peak = sampler.finish()
        server_pids = [pid for server in self.servers for pid in descendants(server.pid)]
        return Reading(seconds=seconds, cpu=self.cpu + cpu_of(server_pids) - server_cpu, wire=loopback_bytes() - wire, **peak)

    def run(self, argv, cwd=None, env=None, output=None, accept=(0,)):
        """Runs one command to its end.  Failed, with its last words, unless its status is in @accept."""
        with tempfile.TemporaryFile() as words:
            child = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output or words, stderr=words,
                                     start_new_session=True)
            self.command = child.pid
            alarm = threading.Timer(self.timeout, kill_group, [child.pid])
            alarm.start()
            try:
                _, status, usage = os.wait4(child.pid, 0)
            except BaseException:
                kill_group(child.pid)
                raise
            finally:
                late = not alarm.is_alive()
                alarm.cancel()
                self.command = None
            child.returncode = os.waitstatus_to_exitcode(status)
            self.cpu += usage.ru_utime + usage.ru_stime
            if child.returncode not in accept:
                raise Failed(f"{os.path.basename(argv[0])}: " + (f"more than {self.timeout} s" if late else last_words(words, child.returncode)))

    def serve(self, argv, env=None, log=None, ready=None):
        """Starts a daemon that stays until stop_servers(); waits until @ready() is true."""
        output = open(log or os.devnull, "wb")
        server = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        output.close()
        self.servers.append(server)
        for _ in range(500):
            if server.poll() is not None:
                raise Failed(f"{os.path.basename(argv[0])}: server ended at once: {tail_of(log)}")
            if ready is None or ready():
                return server
            time.sleep(0.02)
        raise Failed(f"{os.path.basename(argv[0])}: server is not ready after 10 s: {tail_of(log)}")

    def stop_servers(self):
        for server in self.servers:
            kill_group(server.pid, signal.SIGTERM)
        for server in self.servers:
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                kill_group(server.pid)
                server.wait()
        self.servers.clear()


def kill_group(pid, number=signal.SIGKILL):
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def last_words(words, status):
    """The last two lines of what a command said, without control characters."""
    words.seek(max(0, words.seek(0, os.SEEK_END) - 4096))
    lines = [line.strip() for line in words.read().decode(errors="replace").splitlines() if line.strip()]
    text = "; ".join(lines[-2:]) or "no message"
    return f"exit {status}: " + "".join(c for c in text if c.isprintable())[:300]


def tail_of(log):
    if not log:
        return "no log"
    with open(log, errors="replace") as text:
        return text.read()[-200:].strip()
