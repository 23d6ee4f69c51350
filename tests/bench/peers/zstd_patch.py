"""What `zstd --patch-from` makes of every file that changed: the least that scattered edits could cost.  No history, no names, no checks."""
import os

from peers.base import Peer, size_of


class ZstdPatch(Peer):
    name, family = "zstd patch", "zstd"
    way_to_files = (False, False)
    starts = False
    settings = "`zstd -3 --long=27`, for v2 with --patch-from the file of v1; only where the data is one file; does not fsync"

    def only_file(self):
        return os.path.join(self.source.path, os.listdir(self.source.path)[0])

    def zstd(self, target, *words):
        self.run("zstd", "-3", "--long=27", "-T0", "--quiet", "--force", *words, self.only_file(), "-o", self.path(target))

    def publish(self):
        self.zstd("v1.zst")

    def publish2(self):
        self.zstd("v2.patch.zst", f"--patch-from={self.source.past(os.path.basename(self.only_file()))}")

    def stored(self):
        return size_of(self.home)

    @staticmethod
    def fits(source):
        return source.files == 1 and source.versions == 2
