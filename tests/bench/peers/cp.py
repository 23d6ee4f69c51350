"""The yardstick: a plain copy."""
from peers.base import Peer


class Cp(Peer):
    name, family = "cp -a", "cp"
    starts = False
    way_to_files = (False, False)
    settings = "the yardstick: `cp -a` from the source, then a sync of the file system"

    def reads(self, step):
        return [self.source.path]

    def checkout(self):
        self.run("cp", "--archive", self.source.path, self.path("files"))
