"""casync with local chunk stores.  Its sync is its checkout: it extracts straight from the other side's store, checking every chunk."""
import os

from peers.base import Peer, size_of


class Casync(Peer):
    name = family = "casync"
    way_to_files = (False, True)
    settings = ("defaults (zstd, 64 KiB chunks), with --cache for files that did not change; extracts from the owner's store as a local "
                "folder, so there is no wire; does not fsync; verify is `casync mtree`, which reads and hashes all")

    def casync(self, *words, **more):
        self.run("casync", f"--store={self.path('store.castr')}", *words, **more)

    def index(self):
        return self.path(f"v{self.source.shown}.caidx")

    def prepare(self):
        os.mkdir(self.path("cache"))

    def publish(self):
        self.casync(f"--cache={self.path('cache')}", "make", self.index(), self.source.path)

    again = publish2 = publish

    def before_checkout(self):
        os.mkdir(self.path("files"))

    def checkout(self):
        self.casync("extract", self.index(), self.path("files"))

    update = checkout

    def verify(self):
        for version in (1, self.source.shown):
            self.casync("mtree", self.path(f"v{version}.caidx"))

    def stored(self):
        indexes = [self.path(name) for name in os.listdir(self.home) if name.endswith(".caidx")]
        return size_of(self.path("store.castr"), *indexes)[0], size_of(self.path("store.castr"), self.path("cache"), *indexes)[1]
