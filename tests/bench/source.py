"""The folder that all peers publish, whose content goes from version to version in place, as a user's would.

An unchanged file keeps its inode and times.  What differs between the versions is renamed in and out of a stash beside it."""
import filecmp
import os
import shutil
import subprocess
import time

SETTLE_SECONDS = 2.5  # a stat cache has reason to distrust what changed within two seconds


def files_below(folder):
    """All paths below @folder that are not folders."""
    found = []
    for here, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        found += [os.path.relpath(os.path.join(here, name), folder) for name in names + links]
    return found


def same_file(one, other):
    """Whether two paths hold the same content; cheap for hard links and for differing sizes."""
    if os.path.islink(one) or os.path.islink(other):
        return os.path.islink(one) and os.path.islink(other) and os.readlink(one) == os.readlink(other)
    if os.path.samefile(one, other):
        return True
    return os.path.getsize(one) == os.path.getsize(other) and filecmp.cmp(one, other, shallow=False)


class Source:
    """@path shows version @shown, 1 at first.  Made of folder/v1 .. folder/vN, which it takes apart."""

    def __init__(self, name, folder, versions):
        self.name, self.folder, self.versions = name, folder, versions
        self.path = os.path.join(folder, "source")
        self.shown = 1
        self.sets = [set(files_below(self.version(number))) for number in range(1, versions + 1)]
        self.moves = [self.stash(number) for number in range(1, versions)]
        os.rename(self.version(1), self.path)
        self.files = len(self.sets[0])
        self.disk = sum(os.lstat(os.path.join(self.path, path)).st_blocks * 512 for path in self.sets[0])
        self.bytes = sum(os.lstat(os.path.join(self.path, path)).st_size for path in self.sets[0])
        time.sleep(SETTLE_SECONDS)  # unlinking the second name of a file that did not change was a change of its inode

    def version(self, number):
        return os.path.join(self.folder, f"v{number}")

    def stash(self, number):
        """The (paths to take away, paths to bring) between versions @number and the next; leaves only what is brought in the later folder."""
        new = self.version(number + 1)
        before, after = self.sets[number - 1], self.sets[number]
        same = {path for path in before & after if self.is_same(number, path)}
        for path in same:
            os.unlink(os.path.join(new, path))
        for path in (after & before) - same:
            self.make_newer(os.path.join(new, path), os.path.join(self.holder(number, path), path))
        return sorted(before - same), sorted(after - same)

    @staticmethod
    def make_newer(new, old):
        """Versions that were unpacked may bear one time, and then rsync would see no change."""
        if os.lstat(new).st_mtime_ns == os.lstat(old).st_mtime_ns and not os.path.islink(new):
            later = os.lstat(old).st_mtime + 1
            os.utime(new, (later, later))

    def is_same(self, number, path):
        return same_file(os.path.join(self.holder(number, path), path), os.path.join(self.version(number + 1), path))

    def holder(self, number, path):
        """The folder in which version @number's @path lies, now that copies that did not change are gone."""
        while number > 1 and not os.path.lexists(os.path.join(self.version(number), path)):
            number -= 1
        return self.version(number)

    def show(self, number):
        """Brings @path to version @number, step by step, then waits until no time stamp is fresh."""
        if number == self.shown:
            return
        while self.shown < number:
            away, bring = self.moves[self.shown - 1]
            move(self.path, os.path.join(self.folder, f"away{self.shown}"), away)
            move(self.version(self.shown + 1), self.path, bring)
            self.shown += 1
        while self.shown > number:
            self.shown -= 1
            away, bring = self.moves[self.shown - 1]
            move(self.path, self.version(self.shown + 1), bring)
            move(os.path.join(self.folder, f"away{self.shown}"), self.path, away)
        time.sleep(SETTLE_SECONDS)

    def past(self, path):
        """Where the file lies that @path was in the version before the shown one."""
        return os.path.join(self.folder, f"away{self.shown - 1}", path)

    def change(self):
        """What differs between the version before the shown one and this: (paths gone or changed, paths new or changed)."""
        return self.moves[self.shown - 2]


def move(origin, target, paths):
    """Renames @paths from one folder into another, and removes folders that this leaves empty."""
    for path in paths:
        place = os.path.join(target, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.rename(os.path.join(origin, path), place)
    for folder in sorted({os.path.dirname(path) for path in paths}, key=len, reverse=True):
        while folder:
            try:
                os.rmdir(os.path.join(origin, folder))
            except OSError:
                break
            folder = os.path.dirname(folder)


def unpack_given(given, folder):
    """Copies a folder of the user's: its subfolders v1, v2 .. (or v1.tar.zst ..) are versions, otherwise it is the only one.  Returns how many."""
    count = 0
    while True:
        name = os.path.join(given, f"v{count + 1}")
        target = os.path.join(folder, f"v{count + 1}")
        if os.path.isdir(name):
            subprocess.run(["cp", "-a", name, target], check=True)
        elif os.path.isfile(name + ".tar.zst"):
            os.mkdir(target)
            subprocess.run(["tar", "--zstd", "-C", target, "-xf", name + ".tar.zst"], check=True)
        else:
            break
        count += 1
    if count == 0:
        shutil.copytree(given, os.path.join(folder, "v1"), symlinks=True)
        count = 1
    return count
