#!/usr/bin/env python3
"""What checks of many targets cost, and how soon one that flips is noticed: see benches/README.md.

    benches/checks.py NAME=PROGRAM...      NAME=PROGRAM: a polder-dns; the word haproxy: HAProxy

The targets are addresses of 127/8 with a port where nobody listens (each connection is refused at once), or with
`--silent` one whose listener takes no more (each attempt times out). One daemon runs at a time. Loopback only.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
EACH = 100  # targets in a pool
PATIENCE = 60  # seconds for a daemon to start, to know all targets, or to notice a flip


def address(number):
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def polder(folder, program, options):
    (folder / "zone").write_text("@ SOA ns1 hostmaster 1 7200 3600 1209600 600\n@ NS ns1\nns1 A 192.0.2.1\n")
    (folder / "state").mkdir()
    check = {"type": "tcp", "port": options.port, "interval": options.interval, "timeout": options.timeout}
    pools = {}
    for first in range(0, options.targets, EACH):
        members = {f"b{n}": {"addresses": [address(n) for n in range(n, n + 10)]} for n in range(first, first + EACH, 10)}
        pools[f"p{first}.example.net"] = {"members": members, "check": check}
    document = {"version": 1, "name": "ns1", "admin": {"socket": str(folder / "admin.sock")}, "state_dir": str(folder / "state"),
                "listeners": [f"127.0.0.1:{free_port()}"], "workers": 1,
                "zones": {"example.net": {"file": str(folder / "zone")}}, "pools": pools}
    (folder / "dns.json").write_text(json.dumps(document))
    return [program, "--config", folder / "dns.json"]


def haproxy(folder, options):
    config = ["global", "  nbthread 1", "  maxconn 1000", "defaults", "  mode http", "  timeout client 60s", "  timeout server 60s",
              f"  timeout connect {options.timeout}", f"  timeout check {options.timeout}", "  log stderr format raw daemon",
              f"  default-server inter {options.interval}", "frontend f", f"  bind 127.0.0.1:{free_port()}"]
    for first in range(0, options.targets, EACH):
        servers = (f"  server b{n} {address(n)}:{options.port} check" for n in range(first, first + EACH))
        config += [f"backend p{first}", *servers]
    (folder / "haproxy.cfg").write_text("\n".join(config) + "\n")
    return ["haproxy", "-f", folder / "haproxy.cfg"]


class Daemon:
    """A process and its log."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.rest, self.last = b"", ""

    def lines(self, until):
        """What it logs until then."""
        while (left := until - time.monotonic()) > 0:
            if select.select([self.process.stderr], [], [], left)[0]:
                chunk = os.read(self.process.stderr.fileno(), 1 << 20)
                if not chunk:
                    sys.exit(f"the daemon ended: {self.last}")
                self.last = chunk[-1000:].decode()
                *whole, self.rest = (self.rest + chunk).split(b"\n")
                yield from (line.decode() for line in whole)

    def wait_for(self, number, words):
        name = f"b{number}"
        for line in self.lines(time.monotonic() + PATIENCE):
            if any(f"/{name} {start}" in line for start in (f"({address(number)}:", "is")) and any(word in line for word in words):
                return time.monotonic()
        sys.exit(f"{address(number)} was not seen to flip")

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / TICK, int(fields[12]) / TICK

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def measure(daemon, options):
    """CPU time as shares of a core, and how many seconds it took to see a target come up and go down, worst of all."""
    for _ in daemon.lines(time.monotonic() + options.warm_up):
        pass
    before, began = daemon.cpu(), time.monotonic()
    for _ in daemon.lines(began + options.seconds):
        pass
    user, system = ((after - before) / (time.monotonic() - began) for after, before in zip(daemon.cpu(), before))
    up, down = [0], [0]
    for flip in range(options.flips):
        number = options.targets * (2 * flip + 1) // (2 * options.flips) // 10 * 10
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address(number), options.port))
            listener.listen(4096)
            began = time.monotonic()
            up.append(daemon.wait_for(number, ["-> up", "is UP"]) - began)
        began = time.monotonic()
        down.append(daemon.wait_for(number, ["-> down", "is DOWN"]) - began)
    return user, system, max(up), max(down)


def full_listener(options):
    """A port of all loopback addresses whose queue is full: the kernel drops what else comes, unless another one listens there."""
    held = contextlib.ExitStack()
    listener = held.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", options.port))
    listener.listen(0)
    for _ in range(4):
        filler = held.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", options.port))
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("daemons", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--targets", type=int, default=20_000)
    parser.add_argument("--interval", default="2s")
    parser.add_argument("--timeout", default="1s")
    parser.add_argument("--silent", action="store_true", help="targets that do not answer, instead of refusing")
    parser.add_argument("--seconds", type=float, default=20, help="of measuring")
    parser.add_argument("--warm-up", type=float, default=15, help="seconds before that")
    parser.add_argument("--flips", type=int, default=3, help="targets that come up and go down again")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options.port = free_port()
    print(f"{'':12} {'user':>6} {'system':>7} {'total':>6}   {'up after':>8} {'down after':>10}")
    with full_listener(options) if options.silent else contextlib.nullcontext():
        for name, _, program in (word.partition("=") for word in options.daemons):
            with tempfile.TemporaryDirectory(prefix="polder-bench-") as folder:
                folder = pathlib.Path(folder)
                daemon = Daemon(haproxy(folder, options) if name == "haproxy" else polder(folder, program, options))
                try:
                    user, system, up, down = measure(daemon, options)
                finally:
                    daemon.end()
            print(f"{name:12} {user:6.1%} {system:7.1%} {user + system:6.1%}   {up:6.2f} s {down:8.2f} s", flush=True)


main()
