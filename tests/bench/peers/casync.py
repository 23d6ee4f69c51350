"""casync with chunk stores.  Its sync is a checkout: it extracts straight from the other side's store, checking every chunk."""
import os

from peers.base import Peer, size_of
from web_server import WebServer


class Casync(Peer):
    name = family = "casync"
    way_to_files = (True, False)
    settings = ("defaults (zstd, 64 KiB chunks), no --cache: with it, second versions of large data could not be read back (\"Bad message\"); sync "
                "is `extract` from nginx over plain HTTP, which leaves files, for v2 with what is there as seed; checkout is `extract` from the store; "
                "does not fsync; verify is `casync mtree`, which reads and hashes all")

    def casync(self, *words, **more):
        self.run("casync", f"--store={self.path('store.castr')}", *words, **more)

    def index(self):
        return self.path(f"v{self.source.shown}.caidx")

    def prepare(self):
        self.web = WebServer(self.home)

    def publish(self):
        self.casync("make", self.index(), self.source.path)

    again = publish2 = publish

    def before_sync(self):
        os.mkdir(self.path("synced"))
        self.before_sync2()

    def before_sync2(self):
        self.web.start(self.bench.meter)

    def sync(self):
        owner = self.web.address
        self.run("casync", f"--store={owner}/store.castr", "extract", f"{owner}/v{self.source.shown}.caidx", self.path("synced"))

    sync2 = sync

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
        return size_of(self.path("store.castr"), *indexes)[0], size_of(self.path("store.castr"), *indexes)[1]

    def questions(self):
        return {"files": ["casync", f"--store={self.path('store.castr')}", "list", self.path(f"v{self.source.versions}.caidx")]}
