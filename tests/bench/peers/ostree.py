"""OSTree with archive repositories, mirrored over HTTP."""
from peers.base import Peer, size_of
from web_server import WebServer


class Ostree(Peer):
    name = family = "ostree"
    settings = ("archive repositories with zlib-level 1, no xattrs; `pull --mirror` over plain HTTP from nginx; fsyncs what it stores, checkout "
                "does not; cannot update a checkout in place")
    durable = frozenset({"publish", "again", "publish2", "sync", "sync2"})

    def ostree(self, repository, verb, *words):
        self.run("ostree", verb, f"--repo={self.path(repository)}", *words)

    def prepare(self):
        self.ostree("repository", "init", "--mode=archive")
        self.ostree("repository", "config", "set", "archive.zlib-level", "1")
        self.web = WebServer(self.home)

    def publish(self):
        self.ostree("repository", "commit", "--branch=bench", f"--tree=dir={self.source.path}", "--subject=version",
                    "--canonical-permissions", "--no-xattrs", "--skip-if-unchanged")

    again = publish2 = publish

    def before_sync(self):
        self.web.start(self.bench.meter)
        self.ostree("copy", "init", "--mode=archive")
        self.ostree("copy", "remote", "add", "--no-gpg-verify", "owner", f"{self.web.address}/repository")

    def before_sync2(self):
        self.web.start(self.bench.meter)

    def sync(self):
        self.ostree("copy", "pull", "--mirror", "owner", "bench")

    sync2 = sync

    def checkout(self):
        self.ostree("copy", "checkout", "--user-mode", "bench", self.path("files"))

    def verify(self):
        self.ostree("copy", "fsck", "--quiet")

    def stored(self):
        return size_of(self.path("repository", "objects"))[0], size_of(self.path("repository"))[1]

    def questions(self):
        repository = f"--repo={self.path('repository')}"
        return {"list": ["ostree", "refs", repository], "files": ["ostree", "ls", "--recursive", repository, "bench"],
                "diff": ["ostree", "diff", repository, "bench^", "bench"]}
