"""git with a bare repository; the source folder is its work tree.  Syncs go over the git protocol, not encrypted."""
import os

from peers.base import Peer, size_of
from ports import free_port, listens

ALWAYS = {"core.fsync": "none", "gc.auto": "0", "maintenance.auto": "false", "core.preloadIndex": "true", "index.version": "4",
          "checkout.workers": "0", "user.name": "bench", "user.email": "bench@example.invalid", "advice.detachedHead": "false",
          "core.autocrlf": "false", "core.safecrlf": "false", "fetch.unpackLimit": "1", "safe.directory": "*"}


class GitBase(Peer):
    family = "git"
    config = {}

    def environment(self):
        return {**super().environment(), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": self.path("config")}

    def git(self, repository, *words, **more):
        self.run("git", f"--git-dir={self.path(repository)}", *words, **more)

    def prepare(self):
        with open(self.path("config"), "w") as config:
            for key, value in {**ALWAYS, **self.config}.items():
                section, name = key.split(".")
                config.write(f'[{section}]\n\t{name} = "{value}"\n')
        self.run("git", "init", "--quiet", "--bare", "--initial-branch=main", self.path("repository"))

    def publish(self):
        self.git("repository", f"--work-tree={self.source.path}", "add", "--all", ".", cwd=self.source.path)
        self.git("repository", f"--work-tree={self.source.path}", "commit", "--quiet", "--message", "version")
        self.git("repository", "tag", f"v{self.source.shown}")

    publish2 = publish

    def again(self):
        self.git("repository", f"--work-tree={self.source.path}", "add", "--all", ".", cwd=self.source.path)
        self.git("repository", f"--work-tree={self.source.path}", "diff", "--cached", "--quiet")

    def before_sync(self):
        self.port = free_port()
        self.serve("git", "daemon", "--listen=127.0.0.1", f"--port={self.port}", "--export-all", f"--base-path={self.home}",
                   ready=lambda: listens(self.port))

    before_sync2 = before_sync

    def sync(self):
        self.run("git", "clone", "--quiet", "--bare", f"git://127.0.0.1:{self.port}/repository", self.path("copy"))

    def sync2(self):
        self.git("copy", "fetch", "--quiet", f"git://127.0.0.1:{self.port}/repository", "+refs/*:refs/*")

    def before_checkout(self):
        os.mkdir(self.path("files"))

    def checkout(self):
        self.git("copy", f"--work-tree={self.path('files')}", "checkout", "--quiet", "--force", f"v{self.source.shown}")

    update = checkout

    def verify(self):
        self.git("copy", "fsck", "--full")

    def stored(self):
        return size_of(self.path("repository", "objects"))[0], size_of(self.path("repository"))[1]

    def questions(self):
        ask, last = ["git", f"--git-dir={self.path('repository')}"], f"v{self.source.versions}"
        return {"list": [*ask, "log", "-1", "--oneline"], "files": [*ask, "ls-tree", "-r", "-l", last],
                "diff": [*ask, "diff", "--name-status", "v1", last]}


class Git(GitBase):
    name = "git"
    settings = ("defaults; index version 4, checkout.workers 0, gc off; core.fsync none, as the file system is synced after it; clone and fetch "
                "over `git daemon`, not encrypted")


class GitStore(GitBase):
    name = "git -0"
    starts = False
    config = {"core.compression": "0", "pack.window": "0", "core.bigFileThreshold": "1m"}
    settings = "as git, with core.compression 0, pack.window 0, core.bigFileThreshold 1m: fastest, stores all as it is"
