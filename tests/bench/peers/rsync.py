"""rsync pulls plain files.  It keeps no history, so it takes part in the syncs only."""
import os

from peers.base import Peer
from ports import free_port, listens


class Rsync(Peer):
    family = "rsync"
    way_to_files = (True, False)

    def rsync(self, *words):
        self.run("rsync", "--archive", "--delete", *words, self.path("files"))

    def reads(self, step):
        return [self.source.path, self.home]


class RsyncSsh(Rsync):
    name = "rsync ssh"
    settings = ("-a --delete over a private sshd on loopback with aes128-gcm; compares size and mtime, sends differences; does not fsync")
    options = ()

    def before_sync(self):
        self.ssh = self.bench.ssh()

    before_sync2 = before_sync

    def sync(self):
        self.rsync(*self.options, "--rsh", self.ssh.shell, f"127.0.0.1:{self.source.path}/")

    sync2 = sync


class RsyncZstd(RsyncSsh):
    name = "rsync zstd"
    starts = False
    settings = "as rsync ssh, with -z --zc=zstd --zl=1"
    options = ("--compress", "--compress-choice=zstd", "--compress-level=1")


class RsyncDaemon(Rsync):
    name = "rsync daemon"
    starts = False
    settings = "-a --delete from `rsync --daemon` on loopback, not encrypted; does not fsync"

    def before_sync(self):
        self.port = free_port()
        user = "uid = root\ngid = root\n" if os.getuid() == 0 else ""  # else it would become nobody
        with open(self.path("rsyncd.conf"), "w") as config:
            config.write(f"use chroot = no\n[source]\npath = {self.source.path}\nread only = yes\n{user}")
        self.serve("rsync", "--daemon", "--no-detach", f"--config={self.path('rsyncd.conf')}", f"--port={self.port}", "--address=127.0.0.1",
                   ready=lambda: listens(self.port))

    before_sync2 = before_sync

    def sync(self):
        self.rsync(f"rsync://127.0.0.1:{self.port}/source/")

    sync2 = sync
