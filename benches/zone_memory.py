#!/usr/bin/env python3
"""Memory per record of nameservers with a large zone, at the start and after reloads: see benches/README.md.

    benches/zone_memory.py polder=target/release/polder-dns nsd --records 200000 --reloads 20

NAME=PROGRAM: a polder-dns; the word nsd: NSD. Each runs alone. Every reload changes the zone: its serial and a hundredth of its
addresses. Memory is that of all processes of a daemon; what they share counts once (Pss of /proc/PID/smaps_rollup).
"""

import argparse
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 120  # seconds for a start or a reload
APEX = "example.net"


def zone(records, serial, chosen):
    """Host names with A and AAAA in an order of their own, and for each 20 of them an MX, a TXT and two CNAMEs."""
    lines = [f"$ORIGIN {APEX}.", "$TTL 3600", f"@ SOA ns1 hostmaster {serial} 7200 3600 1209600 300", "@ NS ns1", "@ NS ns2",
             "ns1 A 192.0.2.1", "ns2 A 192.0.2.2"]
    hosts = list(range(records * 20 // 36))
    chosen.shuffle(hosts)
    for n in hosts:
        name = f"host-{n:06}.site{n % 500}"
        last = (n + serial) % 250 if n % 100 == 0 else n % 250
        lines.append(f"{name} A 10.{n >> 16 & 255}.{n >> 8 & 255}.{last}")
        if n % 5 < 3:
            lines.append(f"{name} AAAA 2001:db8:{n >> 16:x}:{n & 0xffff:x}::{last:x}")
        if n % 20 == 0:
            lines.append(f"{name} MX 10 host-{n + 1:06}.site{(n + 1) % 500}")
            lines.append(f'{name} TXT "v=spf1 ip4:10.{n >> 16 & 255}.{n >> 8 & 255}.0/24 -all"')
        if n % 10 == 0:
            lines.append(f"alias-{n} CNAME {name}")
    return "\n".join(lines[:records]) + "\n"


class Daemon:
    """A process and its children."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def family(self):
        found = [self.process.pid]
        for pid in found:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        return found

    def memory(self):
        """Pss in MiB, once it no longer changes; in the background copies of zones are written and processes end."""
        last = [-1.0] * 4
        until = time.monotonic() + PATIENCE
        while max(last) - min(last) > 0.002 * max(last) and time.monotonic() < until:
            time.sleep(0.3)
            try:
                last = last[1:] + [sum(map(pss, self.family())) / 1024]
            except (FileNotFoundError, ProcessLookupError):
                continue
        return last[-1]

    def await_serial(self, serial):
        began = time.monotonic()
        while served(self.port) != serial:
            if self.process.poll() is not None or time.monotonic() > began + PATIENCE:
                sys.exit(f"serial {serial} is not served: {self.process.args}")
            time.sleep(0.02)
        return time.monotonic() - began

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


def pss(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))


def served(port):
    """The serial of the zone, or none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.connect(("127.0.0.1", port))
        try:
            client.send(b"\0\1\0\0\0\1\0\0\0\0\0\0\x07example\x03net\0\0\x06\0\x01")
            answer = client.recv(512)
        except OSError:
            return None
    # The SOA's last five numbers end the answer: nothing follows that was not asked for.
    return int.from_bytes(answer[-20:-16], "big") if answer[7] == 1 and len(answer) > 60 else None


def free_port():
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            if tcp.connect_ex(udp.getsockname()) != 0:
                return udp.getsockname()[1]


def start(name, program, folder):
    port = free_port()
    if name == "nsd":
        (folder / "nsd.conf").write_text(f"""server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: {APEX}
  zonefile: zone
""")
        return Daemon(["nsd", "-d", "-c", folder / "nsd.conf"], port)
    state = folder / "state"
    state.mkdir()
    document = {"version": 1, "name": name, "admin": {"socket": str(folder / "admin.sock")}, "state_dir": str(state),
                "listeners": [f"127.0.0.1:{port}"], "workers": 1, "zones": {APEX: {"file": str(folder / "zone")}}, "pools": {}}
    (folder / "dns.json").write_text(json.dumps(document))
    return Daemon([program, "--config", folder / "dns.json"], port)


def measure(name, program, options):
    with tempfile.TemporaryDirectory(prefix="polder-bench-") as folder:
        folder = pathlib.Path(folder)
        write = lambda serial: (folder / "zone").write_text(zone(options.records, serial, random.Random(options.seed)))
        write(1)
        daemon = start(name, program, folder)
        try:
            loaded = daemon.await_serial(1)
            after = [daemon.memory()]
            for reload in range(options.reloads):
                write(reload + 2)
                os.kill(daemon.process.pid, signal.SIGHUP)
                daemon.await_serial(reload + 2)
                after.append(daemon.memory())
            peak = max(peak_of(pid) for pid in daemon.family())
            return loaded, after, peak
        finally:
            daemon.end()


def peak_of(pid):
    """The most that one process has had resident, in MiB."""
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM:")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("daemons", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the order of the names in the file")
    options = parser.parse_args()
    print(f"{options.records} records, {options.reloads} reloads; MiB, bytes a record")
    print(f"{'':12} {'start in s':>10} {'at start':>9} {'a record':>9} {'after':>9} {'growth':>7} {'highest':>9} {'peak':>9}")
    for word in options.daemons:
        name, _, program = word.partition("=")
        loaded, after, peak = measure(name, program, options)
        print(f"{name:12} {loaded:10.2f} {after[0]:9.1f} {after[0] * 2**20 / options.records:9.0f} {after[-1]:9.1f} "
              f"{after[-1] / after[0] - 1:+7.1%} {max(after):9.1f} {peak:9.1f}", flush=True)


main()
