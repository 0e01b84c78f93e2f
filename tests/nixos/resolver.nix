# Real resolvers against both nameservers, and against one while the other is down.
#
# unbound resolves recursively. systemd-resolved, if the system has it, is a stub resolver that asks unbound,
# as on a laptop.
{ lib, polderTests, ... }:

{
  name = "resolver";
  globalTimeout = 600;

  nodes = polderTests.nodes // {
    client =
      { options, pkgs, ... }:
      {
        imports = [ polderTests.nodes.client ];
        environment.systemPackages = [ pkgs.getent ];
        networking.nameservers = [ "127.0.0.1" ];
        services = lib.optionalAttrs (polderTests.hasResolved options) { resolved.enable = true; } // {
          unbound.settings.server = {
            # Case of the question is random, and has to come back as it was (draft-vixie-dnsext-dns0x20).
            use-caps-for-id = true;
            # What lies outside the zone asked for is an attack; so is an answer without what was promised.
            harden-glue = true;
            harden-referral-path = true;
            harden-below-nxdomain = true;
            qname-minimisation = true;
            qname-minimisation-strict = true;
          };
        };
      };
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      HAS_RESOLVED = ${if nodes.client.services.resolved.enable or false then "True" else "False"}

      def dig(question, server="127.0.0.1"):
          return client.succeed(f"dig @{server} +tries=3 +time=5 {question}")

      def flush():
          client.succeed("systemctl restart unbound.service")
          client.wait_for_open_port(53)

      def resolves():
          """What any resolver must get, from an empty cache. It is asked again if it is late, as by every stub resolver."""
          flush()
          for name in ("www.example.test", "shop.example.test", "example.test", POOL):
              t.assertEqual(answered("127.0.0.1", name, 5, tries=3), sorted([PX1, PX2]), name)
          t.assertIn("status: NXDOMAIN", dig("missing.example.test A"))
          # An address of another kind that there is not: no data, and the name stays.
          said = dig(f"{POOL} AAAA")
          t.assertIn("status: NOERROR", said)
          t.assertIn("SOA", said)
          t.assertEqual(answered("127.0.0.1", POOL, 5, tries=3), sorted([PX1, PX2]))
          t.assertIn("ns2.example.test.", dig("example.test NS"))
          # Larger than a datagram may be: over TCP, and whole.
          t.assertEqual(len(dig("+short big.example.test TXT").split()), 9)
          client.succeed("getent ahostsv4 www.example.test >&2")
          if HAS_RESOLVED:
              client.succeed("resolvectl flush-caches; resolvectl query www.example.test >&2")

      ready(web1, web2)
      ready(ns1, ns2, px1, px2, client)
      client.wait_for_unit("unbound.service")
      wait_until("both proxies are up", lambda: all_up(ns1, ns2))

      with subtest("with both nameservers"):
          resolves()

      with subtest("the nameservers keep the rules that resolvers rely on"):
          for nameserver in (NS1, NS2):
              t.assertRegex(dig("+norecurse www.example.test A", nameserver), "flags: qr aa;")
              t.assertIn("status: REFUSED", dig("example.org A", nameserver))
              t.assertRegex(dig("+bufsize=512 +ignore big.example.test TXT", nameserver), "flags: qr aa tc")
              t.assertIn("wWw.eXample.tEst.", dig("wWw.eXample.tEst A", nameserver))

      with subtest("with one of them dead, and then the other"):
          for dead, alive in ((ns1, ns2), (ns2, ns1)):
              dead.block()
              resolves()
              dead.unblock()
              wait_until("it sees both proxies again", lambda: all_up(ns1, ns2))

      with subtest("an answer is kept for its TTL and not longer"):
          flush()
          answered("127.0.0.1", POOL, 5)
          px2.block()
          for nameserver in (NS1, NS2):
              wait_until("px2 is no longer answered", lambda: answered(nameserver) == [PX1])
          wait_until("the resolver has forgotten px2", lambda: answered("127.0.0.1", POOL, 5) == [PX1], 10)
          px2.unblock()
    '';
}
