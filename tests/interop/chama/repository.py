"""A bare git repository, read with git's own plumbing."""

import hashlib
import os
import subprocess
import tempfile

from .report import Broken, want


class Repository:
    def __init__(self, path):
        self.path = path
        self.environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
        self.objects = None

    def _command(self, *arguments):
        return ["git", "--git-dir", self.path, "-c", "safe.directory=*", *arguments]

    def run(self, *arguments, data=None):
        """Exit status, standard output, standard error."""
        done = subprocess.run(self._command(*arguments), input=data, capture_output=True, env=self.environment, check=False)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace").strip()

    def output(self, *arguments):
        status, out, err = self.run(*arguments)
        want(status == 0, f"{self.path}: git {arguments[0]}: {err}")
        return out.decode(errors="surrogateescape")

    def read(self, oid, kind):
        """The bytes of an object, hashed again."""
        if not self.objects:
            self.objects = subprocess.Popen(self._command("cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, env=self.environment)
        try:
            self.objects.stdin.write(oid.encode() + b"\n")
            self.objects.stdin.flush()
            header = self.objects.stdout.readline().split()
        except OSError as error:
            raise Broken(f"{self.path}: G1: object {oid}: {error}") from error
        want(len(header) == 3, f"{self.path}: G1: object {oid} is missing or damaged")
        data = self.objects.stdout.read(int(header[2]) + 1)[:-1]
        want(header[1].decode() == kind and object_id(kind, data).hex() == oid, f"{self.path}: G1: object {oid} is not what its id says")
        return data

    def close(self):
        if self.objects:
            self.objects.communicate()
            self.objects = None

    def verify_commits(self, commits, signers):
        """Those of @commits whose signature git does not accept from @signers (the text of an allowed-signers file)."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(signers)
            file.flush()
            command = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={file.name}", "verify-commit")
            bad = []
            for at in range(0, len(commits), 256):
                batch = commits[at:at + 256]
                if self.run(*command, *batch)[0] != 0:
                    bad += [commit for commit in batch if self.run(*command, commit)[0] != 0]
        return bad


def object_id(kind, data):
    return hashlib.sha1(f"{kind} {len(data)}".encode() + b"\0" + data).digest()
