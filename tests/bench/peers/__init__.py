"""All peers, in the order of the tables."""
from peers.borg import BorgLz4, BorgZstd
from peers.casync import Casync
from peers.chama import Chama
from peers.cp import Cp
from peers.git import Git, GitStore
from peers.git_annex import GitAnnex
from peers.ostree import Ostree
from peers.restic import ResticAuto, ResticOff
from peers.rsync import RsyncDaemon, RsyncSsh, RsyncZstd
from peers.zstd_patch import ZstdPatch

OURS = (Chama, Cp, ZstdPatch)
THEIRS = (BorgLz4, BorgZstd, ResticAuto, ResticOff, Casync, Ostree, RsyncSsh, RsyncZstd, RsyncDaemon, Git, GitStore, GitAnnex)
FAMILIES = tuple(dict.fromkeys(peer.family for peer in THEIRS))


def chosen(families):
    """chama, the yardsticks, and the peers of these families."""
    return OURS + tuple(peer for peer in THEIRS if peer.family in families)
