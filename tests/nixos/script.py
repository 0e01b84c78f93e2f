# What every test's script can say. Before it stand ADDRESS (of each machine, by name) and NAMESERVERS (two of them).
import contextlib
import json
import shutil

POOL = "http0.l.example.test"

# A machine begins a test with an empty disk. A driver that hands on the disk of a machine of the same name from the test
# before has it in `dir`.
for each in machines:
    disk = getattr(each, "dir", None)
    if disk:
        shutil.rmtree(disk, ignore_errors=True)


def wait_until(what, condition, limit=30):
    """Until a condition holds."""

    def holds(last):
        if last and not condition():
            raise Exception(f"not within {limit} s: {what}")
        return condition()

    retry(holds, limit)


def boot(*some):
    """Starts machines and waits until they are up, as long as that takes: what is waited for after it counts from there."""
    for machine in some:
        # A push may have to restart it.
        machine.start(allow_reboot=True)
    for machine in some:
        machine.wait_for_unit("multi-user.target")


def put(machine, source, target, owner, mode):
    """A file of the test's own, as an operator would have put it."""
    machine.copy_from_host(source, target)
    machine.succeed(f"chown {owner} {target}; chmod {mode} {target}")


def status(host, daemon="polder-proxy"):
    return json.loads(host.succeed(f"curl -sS --max-time 5 --unix-socket /run/{daemon}/admin.sock http://localhost/status"))


def all_up(*hosts):
    """Whether every member of every pool is up at these nameservers. Their answers do not tell: with all down they give all as well."""
    pools = [pool for host in hosts for pool in status(host, "polder-dns")["pools"]]
    return all(address["check"] == "up" for pool in pools for member in pool["members"] for address in member["addresses"])


def answered(nameserver, name=POOL, patience=1, tries=1):
    """The addresses that a nameserver (or a resolver: those need patience) gives for a name, asked by the client."""
    server = ADDRESS.get(nameserver, nameserver)
    said = client.succeed(f"dig +short +tries={tries} +time={patience} @{server} {name} A")
    return sorted(line for line in said.split() if line[0].isdigit())


@contextlib.contextmanager
def visiting(*bounds, nameservers=NAMESERVERS, requests=50, queries=20):
    """The drill's visitors and judge (polder visit) on the client, while the block runs: the promise has to be kept."""
    asked = " ".join(f"--nameserver {ADDRESS.get(server, server)}:53" for server in nameservers)
    client.succeed(
        "rm -f /tmp/verdict; systemctl reset-failed visit.service 2>/dev/null || true",
        "systemd-run --unit=visit --property=StandardOutput=file:/tmp/verdict --property=TimeoutStopSec=30 "
        f"polder visit {asked} --requests {requests} --queries {queries} "
        f"--site www.example.test/ --site shop.example.test/session {' '.join(bounds)}",
    )
    # Sessions begin before anything breaks.
    client.sleep(2)
    seen = {}
    yield seen
    client.execute("systemctl stop visit.service")
    seen.update(json.loads(client.succeed("cat /tmp/verdict")))
    log.info(f"visitors saw: {json.dumps(seen)}")
    t.assertTrue(seen["kept"], "\n".join(seen["reasons"]))
