"""BorgBackup.  It has no way to copy a repository to another machine by itself, so it takes no part in the syncs."""
import os

from peers.base import Peer, size_of


class Borg(Peer):
    family = "borg"
    way_to_files = (False, False)
    compression = ""
    durable = frozenset({"publish", "again", "publish2"})

    def environment(self):
        return {**super().environment(), "BORG_BASE_DIR": self.path("base"), "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def prepare(self):
        self.run("borg", "init", "--encryption", "none", self.path("repository"))

    def create(self, archive):
        self.run("borg", "create", "--compression", self.compression, "--noflags", "--noacls", "--noxattrs",
                 f"{self.path('repository')}::{archive}", ".", cwd=self.source.path)

    def publish(self):
        self.create("v1")

    def again(self):
        self.create("v1-again")

    def publish2(self):
        self.create(f"v{self.source.shown}")

    def before_checkout(self):
        os.mkdir(self.path("files"))

    def checkout(self):
        self.run("borg", "extract", "--noflags", "--noacls", "--noxattrs", f"{self.path('repository')}::v1", cwd=self.path("files"))

    def verify(self):
        self.run("borg", "check", "--verify-data", self.path("repository"))

    def stored(self):
        return size_of(self.path("repository", "data"))[0], size_of(self.path("repository"), self.path("base"))[1]

    def questions(self):
        repository, last = self.path("repository"), f"v{self.source.versions}"
        return {"list": ["borg", "list", repository], "files": ["borg", "list", f"{repository}::{last}"],
                "diff": ["borg", "diff", f"{repository}::v1", last]}


class BorgLz4(Borg):
    name, compression = "borg lz4", "lz4"
    settings = "--encryption none, --compression lz4 (its default), no flags, ACLs or xattrs, files cache on; fsyncs what it stores, extract does not"


class BorgZstd(Borg):
    name, compression = "borg zstd,3", "zstd,3"
    starts = False
    settings = "as borg lz4, with --compression zstd,3"
