# SPDX-License-Identifier: Apache-2.0
"""A real nginx between ddgate and a backend, as in front of many collectors.

    proxy = Nginx(tmp_path, 'location / { grpc_pass grpc://127.0.0.1:4317; }', http2=True)
"""
import os
import pathlib
import shutil
import socket
import subprocess
import threading

from ddgate import free_port
from sinks import PATIENCE, Timeout

BINARY = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

CONF = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{http2};
    {server}
  }}
}}
"""


class Nginx:
    def __init__(self, folder, server, http2=False):
        """`server`: what stands in the server's block. The body limit is nginx's own, 1 MiB, unless it says otherwise."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._http2 = http2
        self.start(server)

    def start(self, server):
        conf = self.folder / "nginx.conf"
        conf.write_text(CONF.format(folder=self.folder, port=self.port, http2=" http2" if self._http2 else "", server=server))
        self.process = subprocess.Popen([BINARY, "-p", str(self.folder), "-c", str(conf)], stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.01)):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            pause.wait(0.01)
        raise Timeout(f"nginx does not listen: {(self.folder / 'error.log').read_text(encoding='utf-8')}")

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
