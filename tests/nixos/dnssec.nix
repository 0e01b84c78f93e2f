# A zone that both nameservers sign: with keys that root makes on one and copies to the other, in a folder that their daemon alone can read. delv
# believes what they answer, and goes on to do so when a member of the pool dies.
{ lib, polderTests, ... }:

let
  signed = node: {
    imports = [
      node
      { polder.fleet.zones."example.test".dnssec = { }; }
    ];
  };
in
{
  name = "dnssec";
  globalTimeout = 600;

  nodes = lib.mapAttrs (_: signed) (removeAttrs polderTests.nodes [ "client" ]) // {
    inherit (polderTests.nodes) client;
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      KEYS = "/var/lib/polder-keys/dnssec"

      def owner(host, path):
          return host.succeed(f"stat --format=%U:%G:%a {path}").strip()

      def validated(server, name, kind="A"):
          """What delv finds, with the zone's key as its only trust."""
          said = client.succeed(f"delv @{server} -a /tmp/anchor +root=example.test {name} {kind} 2>&1")
          t.assertIn("fully validated", said)
          return said

      def signature(server):
          return client.succeed(f"dig @{server} +norecurse +dnssec +noall +answer +tries=3 +time=5 example.test SOA")

      ready(web1, web2)
      ready(ns1, ns2, px1, px2, client)
      wait_until("both proxies are up", lambda: all_up(ns1, ns2))

      with subtest("without keys the zone is answered as its file has it, and an alarm says so"):
          for host, server in ((ns1, NS1), (ns2, NS2)):
              t.assertIn("is answered without signatures", json.dumps(status(host, "polder-dns")))
              t.assertNotIn("RRSIG", signature(server))
              t.assertEqual(owner(host, KEYS), "polder-dns:root:700")

      with subtest("keys that root makes, or copies, are the daemon's alone"):
          ns1.succeed(f"polder dnssec keygen example.test --folder {KEYS} >&2")
          keys = ns1.succeed(f"tar -C {KEYS} -c . | base64 --wrap=0").strip()
          ns2.succeed(f"echo {keys} | base64 -d | tar -C {KEYS} -x --no-same-owner")
          ns2.succeed("systemd-tmpfiles --create --prefix=/var/lib/polder-keys")
          for host in (ns1, ns2):
              secret = host.succeed(f"ls {KEYS}/*.private").strip()
              t.assertRegex(owner(host, secret), "^polder-dns:[a-z-]+:600$")
              # Who may use the admin socket reads no key by that.
              host.fail(f"setpriv --reuid=nobody --regid=polder-dns --clear-groups cat {secret}")
              host.succeed("systemctl reload polder-dns.service")

      with subtest("both sign alike, and delv believes them"):
          anchor = ns1.succeed(f"grep --no-filename --invert-match '^;' {KEYS}/*.key").split()
          flags, protocol, algorithm, *key = anchor[anchor.index("DNSKEY") + 1:]
          trusted = f'trust-anchors {{ example.test. static-key {flags} {protocol} {algorithm} "{"".join(key)}"; }};'
          client.succeed(f"echo '{trusted}' > /tmp/anchor")
          t.assertEqual(signature(NS1), signature(NS2))
          for server in NAMESERVERS:
              for name in ("example.test", "www.example.test", POOL):
                  t.assertIn(PX1, validated(server, name))
              validated(server, "missing.example.test")
              validated(server, POOL, "AAAA")

      with subtest("and so when a proxy is dead"):
          px2.block()
          for server in NAMESERVERS:
              wait_until("px2 is no longer answered", lambda: answered(server) == [PX1])
              said = validated(server, POOL)
              t.assertIn(PX1, said)
              t.assertNotIn(PX2, said)
          px2.unblock()

      with subtest("and when the daemon has been started anew"):
          ns1.succeed("systemctl restart polder-dns.service")
          validated(NS1, "www.example.test")
    '';
}
