"""Where the run works: two places, `data` for the sources and `work` for what the peers write, made new for every round.

As root, without --scratch: journalled ext4 (no journal makes creating files slow after deletes) on two image files.  They are unlinked
once mounted, in a mount namespace of the run's own, so whatever ends the run, even SIGKILL, leaves no more than an empty folder."""
import os
import shutil
import subprocess
import sys
import tempfile

from data import GIB

INSIDE = "CHAMA_BENCH_INSIDE"
SPARE = 2 * GIB


def enter_namespaces(argv):
    """Replaces this process by one in network, mount and process namespaces of its own; returns only inside, or if that cannot be."""
    if os.environ.get(INSIDE) or os.getuid() != 0:
        return
    wrapped = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run(wrapped + ["ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", wrapped + argv)


def inside():
    return bool(os.environ.get(INSIDE))


def prepare_inside():
    """The new network's loopback device, and an empty /run with what sshd wants."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    os.mkdir("/run/sshd", 0o755)


class Folder:
    """Scratch in a folder that the user gave.  What a round leaves is only renamed away; all deleting is at the end, except where it costs
    nothing and room is memory."""

    def __init__(self, parent):
        self.top = tempfile.mkdtemp(prefix="chama-bench.", dir=parent)
        self.data = os.path.join(self.top, "data")
        self.work = os.path.join(self.top, "work")
        self.rounds = 0
        os.mkdir(self.data)

    def renew_work(self):
        if os.path.exists(self.work):
            self.rounds += 1
            os.rename(self.work, os.path.join(self.top, f"old{self.rounds}"))
        if file_system(self.top) == "tmpfs":
            self.drop_old()
        os.mkdir(self.work)

    def drop_old(self):
        """Makes room, for who has too little of it to wait until the end."""
        for number in range(1, self.rounds + 1):
            remove(os.path.join(self.top, f"old{number}"))

    def free(self):
        return shutil.disk_usage(self.top).free

    def has_room(self, files, size):
        return room_in(self.top, files, size)

    def about(self):
        return f"{file_system(self.top)}, as it was found"

    def close(self):
        remove(self.top)


class Images:
    """Scratch on loop images in @parent, which only a mount namespace sees."""

    def __init__(self, parent):
        self.parent = parent
        self.top = tempfile.mkdtemp(prefix="chama-bench.", dir=parent)
        self.data = os.path.join(self.top, "data")
        self.work = os.path.join(self.top, "work")
        self.size = max(GIB, shutil.disk_usage(parent).free - SPARE)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", self.top], check=True)
        try:
            self.mount(self.data)
        except subprocess.CalledProcessError:
            self.close()
            raise

    def mount(self, place):
        handle, image = tempfile.mkstemp(prefix="chama-bench.", suffix=".image", dir=self.parent)
        try:
            os.truncate(handle, self.size)
            os.close(handle)
            os.makedirs(place, exist_ok=True)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-N", "8000000", "-E", "lazy_itable_init=1,lazy_journal_init=0", image], check=True)
            subprocess.run(["mount", "-o", "loop,noatime,discard", image, place], check=True)
        finally:
            os.unlink(image)
        self.direct(place)

    def direct(self, place):
        """Reads and writes the image past the page cache, which would hold everything twice."""
        device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", place], capture_output=True, text=True).stdout.strip()
        subprocess.run(["losetup", "--direct-io=on", device], stderr=subprocess.DEVNULL)

    def renew_work(self):
        if os.path.ismount(self.work):
            subprocess.run(["umount", self.work], check=True)
        self.mount(self.work)

    def drop_old(self):
        pass

    def free(self):
        return shutil.disk_usage(self.parent).free

    def has_room(self, files, size):
        return room_in(self.work, files, size) and room_in(self.parent, 0, size)

    def about(self):
        return f"ext4 with a journal on loop images in {file_system(self.parent)}, made new for each round"

    def close(self):
        for place in (self.work, self.data, self.top):
            subprocess.run(["umount", "--lazy", place], stderr=subprocess.DEVNULL)
        os.rmdir(self.top)


def remove(folder):
    """Removes what the peers wrote, even where they took away the right to (git-annex)."""
    subprocess.run(["chmod", "-R", "u+rwX", folder], stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", folder])


def room_in(path, files, size):
    state = os.statvfs(path)
    return state.f_bavail * state.f_frsize > size and (state.f_favail > files or state.f_files == 0)


def open_scratch(given):
    if given:
        return Folder(given)
    parent = os.environ.get("TMPDIR", "/var/tmp")
    if inside():
        try:
            return Images(parent)
        except subprocess.CalledProcessError as failure:
            sys.stderr.write(f"run.sh: cannot mount a loop image ({failure}): working in {parent} itself\n")
    return Folder(parent)


def file_system(path):
    found = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", path], capture_output=True, text=True)
    return found.stdout.strip() or "unknown file system"
