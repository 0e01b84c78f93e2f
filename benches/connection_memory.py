#!/usr/bin/env python3
"""Memory of connections on which little happens: see benches/README.md.

    benches/connection_memory.py NAME=PROGRAM...      NAME=PROGRAM: a polder-proxy; the words haproxy, nginx: those

Each proxy in turn gets connections that are kept alive after a request, and others whose request's body comes byte by byte.
Loopback only.
"""

import argparse
import json
import pathlib
import resource
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30  # seconds for a daemon to start, or for a response
GET = b"GET / HTTP/1.1\r\nHost: www.test\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 1000000\r\n\r\n"


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


class Backend(threading.Thread):
    """Answers GET, and reads all else. Knows how many bytes of bodies it has read."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port, self.body = self.listener.getsockname()[1], 0
        self.start()

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is self.listener:
                    selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                    continue
                try:
                    data = key.fileobj.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                elif data.startswith(b"GET"):
                    key.fileobj.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                else:
                    self.body += data.count(b"x")


CLIENT = ssl.create_default_context()
CLIENT.check_hostname, CLIENT.verify_mode = False, ssl.CERT_NONE


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=www.test", "-addext", "subjectAltName=DNS:www.test",
                    "-keyout", folder / "key.pem", "-out", folder / "chain.pem"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
    (folder / "both.pem").write_text((folder / "chain.pem").read_text() + (folder / "key.pem").read_text())


def polder(folder, program, port, backend, tls):
    (folder / "state").mkdir()
    service = {"hosts": ["www.test"], "mode": "stateless", "check": {"type": "tcp"},
               "backends": [{"name": "web1", "address": f"127.0.0.1:{backend.port}"}]}
    listener = {"name": "visitors", "address": f"127.0.0.1:{port}"}
    if tls:
        listener["protocol"] = "https"
        files = {"chain_file": str(folder / "chain.pem"), "key_file": str(folder / "key.pem")}
        service["tls"] = {"certificates": [files]}
    document = {"version": 1, "name": "px1", "state_dir": str(folder / "state"), "workers": 1,
                "admin": {"socket": str(folder / "admin.sock")}, "services": {"www": service},
                "limits": {"connections": 5000, "connections_per_address": 5000},
                "timeouts": {"keep_alive": "5m", "body_idle": "5m"},
                "listeners": [listener]}
    (folder / "proxy.json").write_text(json.dumps(document))
    return [program, "--config", folder / "proxy.json"]


def haproxy(folder, port, backend, tls):
    secured = f" ssl crt {folder}/both.pem alpn h2,http/1.1" if tls else ""
    (folder / "haproxy.cfg").write_text(f"""global
  nbthread 1
  maxconn 5000
defaults
  mode http
  timeout client 300s
  timeout server 300s
  timeout connect 5s
frontend f
  bind 127.0.0.1:{port}{secured}
  default_backend www
backend www
  http-reuse always
  server web1 127.0.0.1:{backend.port}
""")
    return ["haproxy", "-f", folder / "haproxy.cfg"]


def nginx(folder, port, backend, tls):
    secured = " ssl http2" if tls else ""
    files = f"ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;" if tls else ""
    (folder / "nginx.conf").write_text(f"""daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 300s;
  client_max_body_size 2m;
  upstream www {{ server 127.0.0.1:{backend.port}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port}{secured};
    {files}
    location / {{
      proxy_pass http://www;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Connection "";
    }}
  }}
}}
""")
    return ["nginx", "-c", folder / "nginx.conf"]


def memory(process):
    """Its own memory, in KiB."""
    lines = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def connect(port, tls):
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    return CLIENT.wrap_socket(client, server_hostname="www.test") if tls else client


def idle(port, _backend, tls):
    client = connect(port, tls)
    client.send(GET)
    if b" 200 " not in client.recv(4096):
        sys.exit("no 200")
    return client


def slow(port, backend, tls):
    client = connect(port, tls)
    wanted = backend.body + 2
    for part in (POST + b"x", b"x"):
        client.send(part)
    until = time.monotonic() + PATIENCE
    while backend.body < wanted:
        if time.monotonic() > until:
            sys.exit("the body does not arrive")
        time.sleep(0)
    return client


def measure(command, port, backend, options):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                idle(port, backend, options.tls).close()
                break
            except (OSError, SystemExit):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        found = []
        for kind in (idle, slow):
            before = memory(process)
            held = [kind(port, backend, options.tls) for _ in range(options.connections)]
            found.append((memory(process) - before) / options.connections)
            if kind is slow:
                found.append(memory(process) / 1024)
            for client in held:
                client.close()
            time.sleep(1)
        return found
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("daemons", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--tls", action="store_true", help="over TLS")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    backend = Backend()
    print(f"{'':12} {'idle':>9} {'slow body':>10}   {'process with the slow bodies':>28}")
    for name, _, program in (word.partition("=") for word in options.daemons):
        with tempfile.TemporaryDirectory(prefix="polder-bench-") as folder:
            folder, port = pathlib.Path(folder), free_port()
            if options.tls:
                certificate(folder)
            others = {"haproxy": haproxy, "nginx": nginx}
            command = (others[name](folder, port, backend, options.tls) if name in others
                       else polder(folder, program, port, backend, options.tls))
            idle_, slow_, whole = measure(command, port, backend, options)
        print(f"{name:12} {idle_:5.1f} KiB {slow_:6.1f} KiB   {whole:24.1f} MiB", flush=True)


main()
