# What an attacker finds: units with few rights, closed ports, and no secret where everybody can read.
{ lib, polderTests, ... }:

let
  # The exposure that `systemd-analyze security` gives, times ten: 0 is best, 100 worst. What is left is the network, the
  # system calls of any daemon, and, for the daemons, ports below 1024.
  thresholds = {
    px1.polder-proxy = 20;
    ns1.polder-dns = 20;
    svn.polder-svn-repository = 20;
    svn.polder-svn-hotcopy = 20;
  };

  # Keys that are put on the machine when it runs.
  keysByHand = {
    polder.keys = lib.mkForce {
      peers = "/var/lib/polder-keys/peers";
      cookies = "/var/lib/polder-keys/cookies";
    };
    virtualisation.writableStore = true;
  };
in
{
  name = "hardening";
  globalTimeout = 600;

  nodes = polderTests.nodes // {
    px1.imports = [
      polderTests.nodes.px1
      keysByHand
    ];
    ns1.imports = [
      polderTests.nodes.ns1
      keysByHand
    ];
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      import base64
      import secrets

      THRESHOLDS = json.loads('${builtins.toJSON thresholds}')
      # What may be reached from anywhere, and, beyond that, from where.
      OPEN = {"px1": {80}, "ns1": {53}, "web1": set(), "svn": {22}}
      KEYS = "/var/lib/polder-keys"

      hosts = {"px1": px1, "ns1": ns1, "web1": web1, "svn": svn}
      for host in hosts.values():
          host.start()
      ready(client)

      with subtest("a daemon without its keys does not serve, says which is missing, and serves as soon as it is there"):
          secret = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("peers", "cookies")}
          for host, unit in ((px1, "polder-proxy"), (ns1, "polder-dns")):
              host.wait_until_succeeds(f"journalctl --boot --unit={unit}.service | grep -F {KEYS}/peers", timeout=60)
              host.fail(f"systemctl is-active {unit}.service")
              for name, value in secret.items():
                  host.succeed(f"(umask 077; echo {value} > {KEYS}/{name})")
              host.succeed("systemctl restart systemd-tmpfiles-resetup.service")
              host.wait_for_unit(f"{unit}.service")

      with subtest("systemd's own judgement of the units is under the thresholds"):
          for name, units in THRESHOLDS.items():
              for unit, threshold in units.items():
                  hosts[name].succeed(f"systemd-analyze security --no-pager --threshold={threshold} {unit}.service >&2")

      with subtest("the daemons run as users of their own, with the one capability"):
          for host, unit in ((px1, "polder-proxy"), (ns1, "polder-dns")):
              pid = host.succeed(f"systemctl show --property=MainPID --value {unit}.service").strip()
              said = dict(line.split(":", 1) for line in host.succeed(f"cat /proc/{pid}/status").splitlines())
              t.assertNotIn("0", said["Uid"].split())
              for kind in ("CapEff", "CapPrm", "CapBnd"):
                  t.assertEqual(int(said[kind], 16), 1 << 10, kind)
              t.assertEqual(said["NoNewPrivs"].strip(), "1")
              t.assertEqual(said["Seccomp"].strip(), "2")
              # Nobody else looks at its state, or asks it.
              host.fail(f"su -s /bin/sh nobody -c 'ls /var/lib/{unit}'")
              host.fail(f"su -s /bin/sh nobody -c 'curl --max-time 5 --unix-socket /run/{unit}/admin.sock http://localhost/status'")
              host.fail(f"su -s /bin/sh nobody -c 'cat {KEYS}/peers'")

      with subtest("of all ports that are listened on, only those that should be are reached"):
          for name, host in hosts.items():
              listening = host.succeed("ss --no-header --listening --tcp --numeric | awk '{print $4}'").split()
              ports = {int(address.rsplit(":", 1)[1]) for address in listening}
              t.assertTrue(OPEN[name] <= ports, f"{name} listens on {ports}")
              # One that nobody listens on, to see that such a one is closed too.
              reached = {port for port in ports | {9} if client.execute(f"nc -z -w 1 {name} {port}")[0] == 0}
              t.assertEqual(reached, OPEN[name], name)
          # The proxies reach what visitors do not.
          px1.succeed("nc -z -w 2 web1 8080")

      with subtest("no secret is in the store, and the search would find one"):
          for host in (px1, ns1):
              # What is searched: the whole system, and all that was added since.
              search = "xargs --arg-file=/tmp/paths grep --recursive --files-with-matches --fixed-strings --no-messages -- "
              host.succeed("nix-store --query --requisites /run/current-system | sort > /tmp/paths; test -s /tmp/paths")
              t.assertGreater(int(host.succeed("wc -l < /tmp/paths")), 20)
              for value in secret.values():
                  host.fail(search + value)
              # Neither does a daemon show it.
              daemon = "polder-proxy" if host == px1 else "polder-dns"
              shown = json.dumps(status(host, daemon)) + metrics(host, daemon)
              shown += host.succeed(f"journalctl --boot --unit={daemon}.service; cat /etc/polder/*.json; ps -ef; cat /proc/*/environ 2>/dev/null || true")
              for value in secret.values():
                  t.assertNotIn(value, shown)
              # The proof: a careless file would have been found.
              host.succeed(f"cp {KEYS}/peers /tmp/careless; nix-store --add /tmp/careless >> /tmp/paths")
              t.assertIn("careless", host.succeed(search + secret["peers"]))
    '';
}
