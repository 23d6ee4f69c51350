"""restic, local repositories of format 2."""
from peers.base import Peer, size_of


class Restic(Peer):
    family = "restic"
    compression = ""
    durable = frozenset({"publish", "again", "publish2", "sync", "sync2"})

    def environment(self):
        return {**super().environment(), "RESTIC_PASSWORD": "bench", "RESTIC_FROM_PASSWORD": "bench", "RESTIC_CACHE_DIR": self.path("cache"),
                "RESTIC_PROGRESS_FPS": "0.1"}

    def restic(self, repository, *words, **more):
        self.run("restic", "--quiet", "--compression", self.compression, "--repo", self.path(repository), *words, **more)

    def prepare(self):
        self.restic("repository", "init", "--repository-version", "2")

    def publish(self):
        self.restic("repository", "backup", "--tag", f"v{self.source.shown}", ".", cwd=self.source.path)

    again = publish2 = publish

    def before_sync(self):
        self.restic("copy", "init", "--repository-version", "2", "--from-repo", self.path("repository"), "--copy-chunker-params")

    def sync(self):
        self.restic("copy", "copy", "--from-repo", self.path("repository"))

    sync2 = sync

    def checkout(self):
        self.restic("copy", "restore", "latest", "--target", self.path("files"))

    def verify(self):
        self.restic("repository", "check", "--read-data")

    def stored(self):
        parts = [self.path("repository", part) for part in ("data", "index", "snapshots")]
        return size_of(*parts)[0], size_of(self.path("repository"), self.path("cache"))[1]

    def version_command(self):
        return ["restic", "version"]

    def questions(self):
        ask = ["restic", "--repo", self.path("repository")]
        return {"list": [*ask, "snapshots"], "files": [*ask, "ls", "latest"]}


class ResticAuto(Restic):
    name, compression = "restic", "auto"
    settings = ("--compression auto (zstd); encrypts, which cannot be turned off, and opens a key slowly on purpose in each command; sync is "
                "`restic copy` to another local repository with the same chunker; fsyncs what it stores, restore does not")


class ResticOff(Restic):
    name, compression = "restic off", "off"
    starts = False
    settings = "as restic, with --compression off"
