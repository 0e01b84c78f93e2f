#!/usr/bin/env python3
"""What it costs to sign a large zone, beside other programs that sign: see benches/README.md.

    benches/signing.py polder=target/release/polder-dns ldns knot bind --names 100000 --rounds 3

NAME=PROGRAM: a polder-dns, from its start to its first signed answer; ldns, knot, bind: `ldns-signzone`, `kzonesign`, `dnssec-signzone`. The same
zone (a name with an A each), the same keys (KSK and ZSK, ECDSA P-256), NSEC. CPU time is that of all threads, memory the largest that the process had.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

APEX = "example.net"
PATIENCE = 900  # seconds
ZONE = "$TTL 300\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n"


def prepare(folder, names):
    """The zone, with and without its origin, and its keys."""
    hosts = "".join(f"h{number} A 192.0.2.{number % 250}\n" for number in range(names))
    (folder / "zone").write_text(f"$ORIGIN {APEX}.\n{ZONE}{hosts}")
    (folder / "keys").mkdir()
    for flag in [["-f", "KSK"], []]:
        subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-K", folder / "keys", *flag, APEX], stdout=subprocess.DEVNULL, check=True)


def used(process):
    """CPU seconds and MiB of a process that is waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run(command, folder):
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cpu, memory = used(process)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed: {process.returncode}")
    return time.monotonic() - began, cpu, memory


def by_ldns(folder):
    keys = [str(key.with_suffix("")) for key in sorted((folder / "keys").glob("*.private"))]
    return run(["ldns-signzone", "-f", folder / "signed", "-o", APEX, folder / "zone", *keys], folder)


def by_bind(folder):
    return run(["dnssec-signzone", "-q", "-S", "-K", folder / "keys", "-o", APEX, "-f", folder / "signed", folder / "zone"], folder)


def by_knot(folder):
    """Its keys are in a database of its own, into which they are imported; that does not count."""
    database = folder / "kasp"
    shutil.rmtree(database, ignore_errors=True)
    (folder / "out").mkdir(exist_ok=True)
    conf = folder / "knot.conf"
    conf.write_text(f"""
database:
  storage: "{folder}"
  kasp-db: "{database}"
policy:
  - id: by-hand
    manual: on
    algorithm: ecdsap256sha256
zone:
  - domain: {APEX}
    storage: "{folder}"
    file: zone
    dnssec-signing: on
    dnssec-policy: by-hand
""")
    keymgr = shutil.which("keymgr", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    for key in sorted((folder / "keys").glob("*.private")):
        subprocess.run([keymgr, "-c", conf, APEX, "import-bind", key.with_suffix(".key")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return run(["kzonesign", "-c", conf, "-o", folder / "out", APEX], folder)


def by_polder(program, folder):
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    document = folder / "dns.json"
    document.write_text(json.dumps({
        "version": 1, "name": "ns", "admin": {"socket": str(folder / "admin.sock")}, "state_dir": str(state), "listeners": [f"127.0.0.1:{port}"],
        "workers": 1, "zones": {APEX: {"file": str(folder / "zone"), "dnssec": {"keys": str(folder / "keys")}}}}))
    began = time.monotonic()
    process = subprocess.Popen([program, "--config", document], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not is_signed(port):
        if process.poll() is not None or time.monotonic() > began + PATIENCE:
            sys.exit(f"{program} does not answer")
        time.sleep(0.02)
    took = time.monotonic() - began
    process.terminate()
    cpu, memory = used(process)
    return took, cpu, memory


def is_signed(port):
    """Whether a name of the zone is answered with its signature."""
    name = b"".join(bytes([len(label)]) + label for label in [b"h0", *APEX.encode().split(b".")]) + b"\0"
    query = b"\0\1\0\0\0\1\0\0\0\0\0\1" + name + b"\0\1\0\1" + b"\0\0\x29\4\xd0\0\0\x80\0\0\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        asking.connect(("127.0.0.1", port))
        try:
            asking.send(query)
            return asking.recv(4096)[7] == 2
        except OSError:
            return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    others = {"ldns": by_ldns, "knot": by_knot, "bind": by_bind}
    with tempfile.TemporaryDirectory(prefix="signing-") as path:
        folder = pathlib.Path(path)
        prepare(folder, options.names)
        measured = {word: [] for word in options.programs}
        for number in range(options.rounds):
            for word in options.programs:
                name, _, program = word.partition("=")
                measured[word].append(by_polder(os.path.abspath(program), folder) if program else others[name](folder))
                if sys.stderr.isatty():
                    print(f"\rround {number + 1} of {options.rounds}: {name}\033[K", end="\r", file=sys.stderr)
    print(f"{'':12}{'wall, s':>10}{'CPU, s':>10}{'MiB':>8}")
    for word, rounds in measured.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*rounds))
        print(f"{word.partition('=')[0]:12}{wall:>10.1f}{cpu:>10.1f}{memory:>8.0f}")


if __name__ == "__main__":
    main()
