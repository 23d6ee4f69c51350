"""A private sshd on loopback, with a key made for the run."""
import getpass
import os
import subprocess

from ports import free_port, listens

CIPHER = "aes128-gcm@openssh.com"


class SecureShell:
    """@shell is the command with which rsync and others reach 127.0.0.1.  The server is started for each step that needs it."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(folder, name)], check=True)
        self.config = os.path.join(folder, "sshd_config")
        with open(self.config, "w") as config:
            config.write(f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
                         f"StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nCiphers {CIPHER}\n")
        self.shell = (f"ssh -F none -i {folder}/user -p {self.port} -l {getpass.getuser()} -c {CIPHER} -o BatchMode=yes -o LogLevel=ERROR "
                      "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null")

    def start(self, meter):
        meter.serve(["/usr/sbin/sshd", "-D", "-e", "-f", self.config], log=os.path.join(self.folder, "sshd.log"), ready=lambda: listens(self.port))
