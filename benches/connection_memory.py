#!/usr/bin/env python3
"""Memory of connections on which little happens: see benches/README.md.

    benches/connection_memory.py NAME=PROGRAM...      NAME=PROGRAM: a polder-proxy; the word haproxy: HAProxy

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


def polder(folder, program, port, backend):
    (folder / "state").mkdir()
    service = {"hosts": ["www.test"], "mode": "stateless", "check": {"type": "tcp"},
               "backends": [{"name": "web1", "address": f"127.0.0.1:{backend.port}"}]}
    document = {"version": 1, "name": "px1", "state_dir": str(folder / "state"), "workers": 1,
                "admin": {"socket": str(folder / "admin.sock")}, "services": {"www": service},
                "limits": {"connections": 5000, "connections_per_address": 5000},
                "timeouts": {"keep_alive": "5m", "body_idle": "5m"},
                "listeners": [{"name": "http", "address": f"127.0.0.1:{port}"}]}
    (folder / "proxy.json").write_text(json.dumps(document))
    return [program, "--config", folder / "proxy.json"]


def haproxy(folder, port, backend):
    (folder / "haproxy.cfg").write_text(f"""global
  nbthread 1
  maxconn 5000
defaults
  mode http
  timeout client 300s
  timeout server 300s
  timeout connect 5s
frontend f
  bind 127.0.0.1:{port}
  default_backend www
backend www
  http-reuse always
  server web1 127.0.0.1:{backend.port}
""")
    return ["haproxy", "-f", folder / "haproxy.cfg"]


def memory(process):
    """Its own memory, in KiB."""
    lines = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def idle(port, _backend):
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    client.send(GET)
    if b" 200 " not in client.recv(4096):
        sys.exit("no 200")
    return client


def slow(port, backend):
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
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
                idle(port, backend).close()
                break
            except (OSError, SystemExit):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        found = []
        for kind in (idle, slow):
            before = memory(process)
            held = [kind(port, backend) for _ in range(options.connections)]
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
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    backend = Backend()
    print(f"{'':12} {'idle':>9} {'slow body':>10}   {'process with the slow bodies':>28}")
    for name, _, program in (word.partition("=") for word in options.daemons):
        with tempfile.TemporaryDirectory(prefix="polder-bench-") as folder:
            folder, port = pathlib.Path(folder), free_port()
            command = haproxy(folder, port, backend) if name == "haproxy" else polder(folder, program, port, backend)
            idle_, slow_, whole = measure(command, port, backend, options)
        print(f"{name:12} {idle_:5.1f} KiB {slow_:6.1f} KiB   {whole:24.1f} MiB", flush=True)


main()
