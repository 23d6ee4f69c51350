"""nginx on loopback, for the peers that fetch from a web server.  Plain HTTP: the best that they can have."""
import os

from ports import free_port, listens

CONFIG = """daemon off;
worker_processes {workers};
pid {home}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {home}/nginx;
    proxy_temp_path {home}/nginx;
    fastcgi_temp_path {home}/nginx;
    uwsgi_temp_path {home}/nginx;
    scgi_temp_path {home}/nginx;
    server {{ listen 127.0.0.1:{port}; root {home}; }}
}}
"""


class WebServer:
    """Serves the folder @home at @address, started for each step that needs it."""

    def __init__(self, home):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.config = os.path.join(home, "nginx.conf")
        self.log = os.path.join(home, "nginx.log")
        # The workers must read what the peer wrote: as root they would become somebody else.
        user = "user root;\n" if os.getuid() == 0 else ""
        with open(self.config, "w") as config:
            config.write(user + CONFIG.format(workers=os.cpu_count(), home=home, port=self.port))

    def start(self, meter):
        meter.serve(["/usr/sbin/nginx", "-c", self.config, "-e", "stderr"], log=self.log, ready=lambda: listens(self.port))
