#!/usr/bin/env python3
"""CPU time per request or query of several daemons, side by side: see benches/README.md.

    benches/side_by_side.py http  NAME=PROGRAM...     NAME=PROGRAM: a polder-proxy; the word haproxy: HAProxy; haproxy-splicing: HAProxy
                                                      that splices always, not where it finds it worth it; --load 10m for large bodies;
                                                      NAME-edge=PROGRAM, haproxy-edge: with header fields that are set (two each way), a
                                                      list of allowed networks and a rate limit for each client that nobody reaches;
                                                      NAME-logged=PROGRAM: with every request in an access log, a file;
                                                      NAME-latched=PROGRAM: a stateful service; NAME-agreed=PROGRAM: the same by the agreement
                                                      of etcd, of which one member runs for it
    benches/side_by_side.py https NAME=PROGRAM...     the same; the word nginx: nginx; --load says what is asked
    benches/side_by_side.py dns   NAME=PROGRAM...     NAME=PROGRAM: a polder-dns; the word nsd: NSD; knot, knot=PROGRAM: Knot;
                                                      --signed: a zone that polder-dns signs itself, and dnssec-signzone for the others,
                                                      asked with DO for names that are there, names that are not, or the pool

All daemons run at once, idle but for the one that is asked. Each round asks every one of them once, in turn (A B C, A B C),
so that whatever else the machine does meets them alike. Loopback only. The first daemon is the one others are compared with.
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
HOST = "www.example.net"
BODY = "x" * 1024
PATIENCE = 600  # seconds for a daemon to start or end

ZONE = """$ORIGIN example.net.
$TTL 300
@        SOA ns1 hostmaster 1 7200 3600 1209600 600
@        NS  ns1
@        NS  ns2
ns1      A   192.0.2.1
ns2      A   198.51.100.1
*.wild   A   192.0.2.99
child    NS  ns.child
ns.child A   192.0.2.53
www      CNAME http0.l
"""
POOL = "http0.l.example.net"
SIZES = {"1k": 1024, "100k": 100 * 1024, "10m": 10 * 1024 * 1024}
MEMBERS = ["192.0.2.11", "192.0.2.12", "192.0.2.13"]
ASKED = [POOL, HOST, "any.wild.example.net", "www.child.example.net", "nowhere.example.net"]

NETWORKS = ["10.0.0.0/8", "127.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]
EDGE = {
    "allow": NETWORKS,
    "rate_limit": {"client": {"rate": "100000/s"}},
    "request_headers": {"set": {"X-Real-IP": "{client}", "X-Service": "www"}},
    "response_headers": {"set": {"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}},
}
STATEFUL = {"mode": "stateful", "failover": "permanent", "cookie": {"value": "address"}}
HAPROXY_EDGE = f"""http-request deny deny_status 403 unless {{ src {" ".join(NETWORKS)} }}
  stick-table type ipv6 size 100k expire 30s store http_req_rate(1s)
  http-request track-sc0 src
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 100000 }}
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Service www
  http-response set-header X-Frame-Options DENY
  http-response set-header Referrer-Policy no-referrer
  """


class Daemon:
    """A process and its children, whatever they are called."""

    def __init__(self, name, command, port, udp=False):
        self.name, self.port, self.samples = name, port, []
        # Where it is asked, if not where it is seen to be there.
        self.asked = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not (answers_dns(port) if udp else accepts(port)):
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{name} did not start: {' '.join(map(str, command))}")
            time.sleep(0.05)

    def family(self):
        found = [self.process.pid]
        for pid in found:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        return found

    def cpu(self):
        """utime and stime in seconds."""
        fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.family()]
        return sum(int(field[11]) for field in fields) / TICK, sum(int(field[12]) for field in fields) / TICK

    def resident(self):
        """Resident memory in MiB."""
        lines = [line for pid in self.family() for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")]
        return sum(int(line.split()[1]) for line in lines) / 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()


def accepts(port):
    """Something listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def answers_dns(port):
    question = b"\x07example\x03net\0\0\x06\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.connect(("127.0.0.1", port))
        try:
            client.send(b"\0\1\0\0\0\1\0\0\0\0\0\0" + question)
            return len(client.recv(512)) > 12
        except OSError:
            return False


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def start_http(folder, what, options):
    """Behind all one HAProxy that answers 1 KiB, or for large bodies one nginx with files."""
    if options.load == "10m":
        backend_port, backend = start_files(folder)
    else:
        backend_port = free_port()
        (folder / "backend.cfg").write_text(
            haproxy_config(options.threads, backend_port, f'http-request return status 200 content-type text/plain string {BODY}'))
        backend = Daemon("backend", ["haproxy", "-f", folder / "backend.cfg"], backend_port)
    others, daemons = [backend], []
    for name, _, program in (word.partition("=") for word in what):
        port = free_port()
        if name in ("haproxy", "haproxy-splicing", "haproxy-edge"):
            splice = "splice-response" if name == "haproxy-splicing" else "splice-auto"
            edge = HAPROXY_EDGE if name == "haproxy-edge" else ""
            rules = f"option forwardfor\n  option {splice}\n  {edge}use_backend www if {{ hdr(host) -i {HOST} }}"
            servers = f"backend www\n  http-reuse always\n  server web1 127.0.0.1:{backend_port} check inter 2s\n"
            (folder / f"{name}.cfg").write_text(haproxy_config(options.threads, port, rules) + servers)
            command = ["haproxy", "-f", folder / f"{name}.cfg"]
        else:
            service = {"hosts": [HOST], "mode": "stateless", "check": {"path": "/1k" if options.load == "10m" else "/"},
                       "backends": [{"name": "web1", "address": f"127.0.0.1:{backend_port}"}]}
            service |= EDGE if name.endswith("-edge") else {}
            if name.endswith(("-latched", "-agreed")):
                service |= STATEFUL
                service["backends"] += [{"name": "web2", "address": f"127.0.0.1:{free_port()}", "backup": True}]
            if name.endswith("-agreed"):
                agreement, etcd = start_etcd(folder)
                others.append(etcd)
            log = {"access_log": {"path": str(folder / f"{name}.log")}} if name.endswith("-logged") else {}
            document = daemon_document(folder, name, {"listeners": [{"name": "http", "address": f"127.0.0.1:{port}"}],
                                       "workers": options.threads, "services": {"www": service}} | log
                                       | ({"agreement": agreement} if name.endswith("-agreed") else {}))
            command = [program, "--config", document]
        daemons.append(Daemon(name, command, port))
    return others, daemons


def start_etcd(folder):
    """One member; `agreement` of a document that agrees by it, and itself."""
    client, peer = free_port(), free_port()
    url, own = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    command = ["etcd", "--data-dir", folder / "etcd", "--listen-client-urls", url, "--advertise-client-urls", url,
               "--listen-peer-urls", own, "--initial-advertise-peer-urls", own, "--initial-cluster", f"default={own}"]
    return {"engine": "etcd", "endpoints": [url]}, Daemon("etcd", command, client)


def haproxy_config(threads, bind, rules):
    return f"""global
  nbthread {threads}
  maxconn 4096
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend f
  bind 127.0.0.1:{bind}
  {rules}
"""


def start_https(folder, what, options):
    """An ECDSA certificate (P-256) for all; behind them one nginx with two files."""
    certificate(folder)
    backend_port, backend = start_files(folder)
    daemons = []
    for name, _, program in (word.partition("=") for word in what):
        port = free_port()
        if name == "haproxy":
            bind = f"{port} ssl crt {folder}/both.pem alpn h2,http/1.1"
            servers = f"backend www\n  http-reuse always\n  server web1 127.0.0.1:{backend_port} check inter 2s\n"
            (folder / "haproxy.cfg").write_text(haproxy_config(options.threads, bind, "option forwardfor\n  default_backend www") + servers)
            command = ["haproxy", "-f", folder / "haproxy.cfg"]
        elif name == "nginx":
            (folder / "nginx.conf").write_text(nginx_config(folder, nginx_https(folder, port), f"upstream www {{ server 127.0.0.1:{backend_port}; keepalive 64; }}"))
            command = ["nginx", "-c", folder / "nginx.conf"]
        else:
            files = {"chain_file": str(folder / "chain.pem"), "key_file": str(folder / "key.pem")}
            service = {"hosts": [HOST], "mode": "stateless", "check": {"path": "/1k"}, "tls": {"certificates": [files]},
                       "backends": [{"name": "web1", "address": f"127.0.0.1:{backend_port}"}]}
            listener = {"name": "https", "address": f"127.0.0.1:{port}", "protocol": "https"}
            document = daemon_document(folder, name, {"listeners": [listener], "workers": options.threads,
                                                      "tls": {"default": "www"}, "services": {"www": service}})
            command = [program, "--config", document]
        daemons.append(Daemon(name, command, port))
    return [backend], daemons


def start_files(folder):
    """An nginx that serves a file of each size; its port, and itself."""
    for name, size in SIZES.items():
        (folder / name).write_text("x" * size)
    port = free_port()
    (folder / "backend.conf").write_text(nginx_config(folder, f"listen 127.0.0.1:{port}; root {folder}; sendfile on;", ""))
    return port, Daemon("backend", ["nginx", "-c", folder / "backend.conf"], port)


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
                    "-keyout", folder / "key.pem", "-out", folder / "chain.pem"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
    (folder / "both.pem").write_text((folder / "chain.pem").read_text() + (folder / "key.pem").read_text())


def nginx_config(folder, server, upstream):
    return f"""daemon off;
master_process off;
pid {folder}/{hash(server)}.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  keepalive_requests 100000000;
  {upstream}
  server {{ {server} }}
}}
"""


def nginx_https(folder, port):
    return f"""listen 127.0.0.1:{port} ssl http2;
    server_name {HOST};
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      proxy_pass http://www;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}"""


def start_dns(folder, what, options):
    (folder / "polder.zone").write_text(ZONE)
    (folder / "nsd.zone").write_text(ZONE + "".join(f"http0.l A {address}\n" for address in MEMBERS))
    names = ASKED if options.mixed else [POOL]
    if options.signed:
        names = sign(folder, options)
    (folder / "queries").write_text("".join(f"{name} A\n" for name in names))
    if options.over == "dot":
        certificate(folder)
    dnssec = {"dnssec": {"keys": str(folder / "keys")}} if options.signed else {}
    daemons = []
    for name, _, program in (word.partition("=") for word in what):
        port = free_port(socket.SOCK_DGRAM)
        asked = free_port() if options.over == "dot" else port
        if name == "nsd":
            (folder / "nsd.conf").write_text(nsd_config(folder, port, options.threads, asked))
            command = ["nsd", "-d", "-c", folder / "nsd.conf"]
        elif name == "knot":
            (folder / "knot.conf").write_text(knot_config(folder, port, options.threads, asked))
            command = [program or "knotd", "-c", folder / "knot.conf"]
        else:
            pool = flipping_pool(options.flips) if options.flips else POOL_AT_REST
            document = daemon_document(folder, name, {"listeners": [f"127.0.0.1:{port}"], "workers": options.threads,
                                       "zones": {"example.net": {"file": str(folder / "polder.zone")} | dnssec},
                                       "pools": {POOL: pool}})
            if asked != port:
                shown = {"chain_file": str(folder / "chain.pem"), "key_file": str(folder / "key.pem")}
                document.write_text(json.dumps(json.loads(document.read_text()) | {"encrypted": {
                    "tls": [f"127.0.0.1:{asked}"], "certificates": [shown], "connections_per_address": 1000}}))
            exempt_loopback(program, document)
            command = [program, "--config", document]
        daemon = Daemon(name, command, port, udp=True)
        daemon.asked = asked
        daemons.append(daemon)
    return [], daemons


# No member answers there: the pool answers as configured, all of them.
POOL_AT_REST = {"members": {f"px{n}": {"addresses": [address]} for n, address in enumerate(MEMBERS)},
                "check": {"type": "tcp", "port": 9, "timeout": "200ms"}}


def flipping_pool(flips):
    """A pool of three members, one of which goes or comes so many times a second: what is answered changes each time."""
    addresses = [f"127.0.9.{n + 1}" for n in range(3)]
    port = free_port()

    def flip():
        listening = {address: socket.create_server((address, port)) for address in addresses}
        for turn in itertools.count():
            time.sleep(1 / flips)
            address = addresses[turn // 2 % 3]
            if address in listening:
                listening.pop(address).close()
            else:
                listening[address] = socket.create_server((address, port))

    threading.Thread(target=flip, daemon=True).start()
    check = {"type": "tcp", "port": port, "interval": "40ms", "fast_interval": "20ms", "timeout": "200ms", "rise": 1, "fall": 1}
    return {"members": {f"px{n}": {"addresses": [address]} for n, address in enumerate(addresses)}, "check": check}


def sign(folder, options):
    """Makes the zone larger, and the keys that sign it; signs it for those that do not do so themselves. Gives the names that are asked."""
    for zone in ["polder.zone", "nsd.zone"]:
        with open(folder / zone, "a", encoding="ascii") as text:
            text.writelines(f"h{number} A 192.0.2.{number % 250}\n" for number in range(options.names))
    (folder / "keys").mkdir()
    for flag in [["-f", "KSK"], []]:
        subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-K", folder / "keys", *flag, "example.net"],
                       stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["dnssec-signzone", "-q", "-S", "-K", folder / "keys", "-o", "example.net", "-f", folder / "signed", folder / "nsd.zone"],
                   cwd=folder, stdout=subprocess.DEVNULL, check=True)
    (folder / "signed").replace(folder / "nsd.zone")
    chosen = random.Random(1).sample(range(options.names), min(options.names, 100_000))
    return {"positive": [f"h{number}.example.net" for number in chosen],
            "nxdomain": [f"h{number}x.example.net" for number in chosen], "pool": [POOL]}[options.signed]


def exempt_loopback(program, path):
    """All queries come from one address. A polder-dns from before there was a limit does not know the key."""
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"rate_limit": {"exempt": ["127.0.0.0/8"]}}))
    if subprocess.run([program, "--config", path, "--check-config"], capture_output=True, check=False).returncode != 0:
        path.write_text(json.dumps(document))


def daemon_document(folder, name, members):
    state = folder / f"{name}-state"
    state.mkdir()
    document = {"version": 1, "name": name, "admin": {"socket": str(folder / f"{name}.sock")}, "state_dir": str(state)}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document | members))
    return path


def knot_config(folder, port, workers, over_tls):
    tls = f"listen-tls: 127.0.0.1@{over_tls}\n  cert-file: {folder}/chain.pem\n  key-file: {folder}/key.pem" if over_tls != port else ""
    return f"""server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
  udp-workers: {workers}
  tcp-workers: {workers}
  background-workers: 1
  answer-rotation: on
  {tls}
log:
  - target: stderr
    any: error
database:
  storage: "{folder}"
control:
  listen: "{folder}/knot.sock"
zone:
  - domain: example.net
    storage: "{folder}"
    file: nsd.zone
    zonefile-sync: -1
    journal-content: none
"""


def nsd_config(folder, port, servers, over_tls):
    tls = f"""
  ip-address: 127.0.0.1@{over_tls}
  tls-port: {over_tls}
  tls-service-key: {folder}/key.pem
  tls-service-pem: {folder}/chain.pem""" if over_tls != port else ""
    return f"""server:
  ip-address: 127.0.0.1@{port}{tls}
  server-count: {servers}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  rrl-ratelimit: 0
  minimal-responses: yes
  round-robin: yes
remote-control:
  control-enable: no
zone:
  name: example.net
  zonefile: nsd.zone
"""


def ask_http(daemon, folder, options):
    close = ["-H", "Connection: close"] if options.close else []
    command = ["wrk", "-t1", f"-c{options.clients}", f"-d{options.seconds}", "-H", f"Host: {HOST}", *close]
    path = "10m" if options.load == "10m" else ""
    told = subprocess.run([*command, f"http://127.0.0.1:{daemon.port}/{path}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        sys.exit(f"{daemon.name}: {told}")
    return number_before(told, " requests in")


def ask_https(daemon, folder, options):
    if options.load in ("full", "resumed"):
        return handshakes(daemon.port, options.load == "resumed", time.monotonic() + options.seconds)
    if options.load == "h2":
        command = ["h2load", f"-c{options.clients}", "-m64", "-t1", f"-D{options.seconds}", "--warm-up-time=0",
                   f"--connect-to=127.0.0.1:{daemon.port}", f"https://{HOST}/1k"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if " 0 failed" not in told or " 0 4xx, 0 5xx" not in told or "Application protocol: h2" not in told:
            sys.exit(f"{daemon.name}: {told}")
        return number_before(told, " done")
    command = ["wrk", "-t1", f"-c{options.clients}", f"-d{options.seconds}", "-H", f"Host: {HOST}"]
    told = subprocess.run([*command, f"https://127.0.0.1:{daemon.port}/{options.load}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        sys.exit(f"{daemon.name}: {told}")
    return number_before(told, " requests in")


def handshakes(port, resumed, until):
    """One connection after the other, each with a request, because a ticket comes after the handshake; how many there were."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    request = f"GET /1k HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    session, count = None, 0
    while time.monotonic() < until:
        with socket.create_connection(("127.0.0.1", port)) as plain:
            with client.wrap_socket(plain, server_hostname=HOST, session=session) as connection:
                if (session is not None) != connection.session_reused:
                    sys.exit(f"port {port}: a handshake was {'not ' if session else ''}resumed")
                connection.send(request)
                answer = b""
                while part := connection.recv(65536):
                    answer += part
                if b" 200 OK" not in answer[:20]:
                    sys.exit(f"port {port}: {answer[:200]}")
                session = connection.session if resumed else None
        count += 1
    return count


def ask_dns(daemon, folder, options):
    told = subprocess.run(["dnsperf", "-m", options.over, "-s", "127.0.0.1", "-p", str(daemon.asked), "-d", folder / "queries", "-T1",
                           f"-c{options.clients}", f"-l{options.seconds}", *(["-e", "-D"] if options.signed else [])], capture_output=True, text=True, check=True).stdout
    return int(told.partition("Queries completed:")[2].split()[0])


def number_before(text, words):
    return int(text.partition(words)[0].split()[-1])


def sample(daemon, ask, folder, options):
    before = daemon.cpu()
    count = ask(daemon, folder, options)
    user, system = (after - before for after, before in zip(daemon.cpu(), before))
    daemon.samples.append((user / count * 1e6, system / count * 1e6, count / options.seconds))


def report(daemons):
    first = [user + system for user, system, _ in daemons[0].samples]
    print(f"{'':12} {'user':>7} {'system':>7} {'total':>7}   {'ratio: median (lowest-highest)':32} {'a second':>9} {'MiB':>6}")
    for daemon in daemons:
        user, system, rate = (statistics.median(column) for column in zip(*daemon.samples))
        totals = [user + system for user, system, _ in daemon.samples]
        ratios = [total / base for total, base in zip(totals, first)]
        ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"
        print(f"{daemon.name:12} {user:7.2f} {system:7.2f} {statistics.median(totals):7.2f}   {ratio:32} {rate:9.0f} "
              f"{daemon.resident():6.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["http", "https", "dns"])
    parser.add_argument("daemons", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of load for each daemon in each round")
    parser.add_argument("--clients", type=int, default=32, help="connections (http) or sockets (dns)")
    parser.add_argument("--threads", type=int, default=1, help="of each daemon")
    parser.add_argument("--close", action="store_true", help="http: a connection for each request")
    parser.add_argument("--load", choices=["full", "resumed", "1k", "100k", "10m", "h2"], default="1k",
                        help="https: full or resumed handshakes, files over kept connections, or 1 KiB in 64 streams of HTTP/2; "
                        "http: 1k or 10m")
    parser.add_argument("--over", choices=["udp", "tcp", "dot"], default="udp", help="dns: over kept connections of TCP, or of TLS")
    parser.add_argument("--signed", choices=["positive", "nxdomain", "pool"], help="dns: a signed zone, and what is asked of it with DO")
    parser.add_argument("--names", type=int, default=100_000, help="dns: of the signed zone")
    parser.add_argument("--flips", type=int, default=0, help="dns: how many times a second a member of polder's pool goes or comes")
    parser.add_argument("--mixed", action="store_true", help="dns: not only the pool's name")
    options = parser.parse_args()
    kinds = {"http": (start_http, ask_http), "https": (start_https, ask_https), "dns": (start_dns, ask_dns)}
    start, ask = kinds[options.kind]
    with tempfile.TemporaryDirectory(prefix="polder-bench-") as folder:
        folder = pathlib.Path(folder)
        others, daemons = start(folder, options.daemons, options)
        try:
            for _ in range(options.rounds):
                for daemon in daemons:
                    sample(daemon, ask, folder, options)
            report(daemons)
        finally:
            for daemon in daemons + others:
                daemon.end()


main()
