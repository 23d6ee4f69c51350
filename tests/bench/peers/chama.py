"""chama itself: a publishing node and a following node, mutual TLS between them on loopback."""
import os

from peers.base import Peer, size_of
from ports import free_port, listens


class Chama(Peer):
    name = family = "chama"
    settings = "defaults; two nodes, mutual TLS 1.3 on loopback; fsyncs all it stores and syncfs at the end of a checkout"
    durable = frozenset({"publish", "again", "publish2", "sync", "sync2", "checkout", "update"})

    def chama(self, home, *words, **more):
        self.run(self.bench.chama, "--home", self.path(home), *words, **more)

    def prepare(self):
        self.ports = {home: free_port() for home in ("owner", "follower")}
        for home, port in self.ports.items():
            self.chama(home, "init", "--name-en", home, "--listen", f"127.0.0.1:{port}")
            self.never_by_itself(home)

    def never_by_itself(self, home):
        config = self.path(home, "config.ini")
        with open(config) as text:
            changed = text.read().replace("interval = 300", "interval = 0")
        with open(config, "w") as text:
            text.write(changed)

    def publish(self):
        self.chama("owner", "publish", "bench", self.source.path, "--share", "open", "-m", "version")

    again = publish2 = publish

    def before_sync(self):
        self.start_owner()
        if not os.path.exists(self.path("invite")):
            self.introduce("owner", "follower")
            self.introduce("follower", "owner")
            self.chama("follower", "follow", "owner/*")

    before_sync2 = before_sync

    def start_owner(self):
        self.serve(self.bench.chama, "--home", self.path("owner"), "serve", ready=lambda: listens(self.ports["owner"]))

    def introduce(self, one, other):
        with open(self.path("invite"), "w+") as invite:
            self.chama(one, "invite", output=invite)
            invite.seek(0)
            self.chama(other, "peer", "add", invite.read().strip())

    def sync(self):
        self.chama("follower", "sync")

    sync2 = sync

    def checkout(self):
        self.chama("follower", "get", "owner/bench", self.path("files"))

    update = checkout

    def verify(self):
        self.chama("follower", "verify")

    def stored(self):
        return size_of(self.path("owner", "store", "packs"))[0], size_of(self.path("owner"))[1]

    def version_command(self):
        return [self.bench.chama, "--version"]

    def questions(self):
        ask = [self.bench.chama, "--home", self.path("owner")]
        return {"list": [*ask, "ls"], "files": [*ask, "files", "bench"],
                "diff": [*ask, "diff", "bench@1", f"bench@{self.source.versions}"]}
