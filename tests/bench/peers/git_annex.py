"""git-annex.  The folder itself is its repository, so what changes is brought there first, which is not timed."""
import os
import shutil

from peers.base import Peer, size_of

CONFIG = '[user]\n\tname = bench\n\temail = bench@example.invalid\n[safe]\n\tdirectory = *\n[core]\n\tfsync = none\n[gc]\n\tauto = 0\n'


class GitAnnex(Peer):
    name = family = "git-annex"
    way_to_files = (True, False)
    settings = ("SHA256 keys, locked files, -J for every core; publish is `add` and `commit` in a copy of the source on the same disk; sync is "
                "`git clone` (`pull`) and `annex get` from a local path, which leaves files; stores files as they are; does not fsync")

    def environment(self):
        return {**super().environment(), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": self.path("config")}

    def git(self, repository, *words, **more):
        self.run("git", *words, cwd=self.path(repository), **more)

    def annex(self, repository, verb, *words):
        self.git(repository, "annex", verb, "--quiet", *words)

    def each_core(self):
        return f"-J{os.cpu_count()}"

    def prepare(self):
        with open(self.path("config"), "w") as config:
            config.write(CONFIG)
        shutil.copytree(self.source.path, self.path("owner"), symlinks=True)
        self.git("owner", "init", "--quiet", "--initial-branch=main")
        self.git("owner", "config", "annex.backend", "SHA256")
        self.annex("owner", "init", "owner")

    def publish(self):
        self.annex("owner", "add", self.each_core(), ".")
        self.git("owner", "commit", "--quiet", "--allow-empty", "--message", "version")

    def again(self):
        self.annex("owner", "add", self.each_core(), ".")

    def before_publish2(self):
        gone, came = self.source.change()
        for path in gone:
            os.unlink(self.path("owner", path))
        for path in came:
            place = self.path("owner", path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy2(os.path.join(self.source.path, path), place, follow_symlinks=False)

    def publish2(self):
        self.git("owner", "add", "--update", ".")
        self.publish()

    def sync(self):
        self.git(".", "clone", "--quiet", "owner", "copy")
        self.annex("copy", "init", "copy")
        self.annex("copy", "get", self.each_core(), ".")

    def sync2(self):
        self.git("copy", "pull", "--quiet", "--ff-only")
        self.annex("copy", "get", self.each_core(), ".")

    def verify(self):
        self.annex("copy", "fsck", self.each_core())

    def stored(self):
        return size_of(self.path("owner", ".git"))[0], size_of(self.path("owner", ".git"))[1]

    def version_command(self):
        return ["git-annex", "version"]
