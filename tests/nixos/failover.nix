# Every failure that polder promises to survive, on machines that are switched off, under a continuous load of visitors.
{ polderTests, ... }:

{
  name = "failover";
  globalTimeout = 900;

  inherit (polderTests) nodes;

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      DETECTION = ${toString polderTests.detection}
      # Whatever a busy machine adds: the drill's slack, and the machine's own end.
      GAP = f"{round((DETECTION + 1.5) * 1000)}ms"
      resolver = ("127.0.0.1",)

      ready(web1, web2, web3)
      ready(ns1, ns2, px1, px2, client)
      client.wait_for_unit("unbound.service")

      def up(service, backend, host=px1):
          found = [b for s in status(host)["services"] if s["name"] == service for b in s["backends"] if b["name"] == backend]
          return found[0]["check"] == "up"

      def active(host):
          return next(s["latch"]["active"] for s in status(host)["services"] if s["name"] == "shop")

      with subtest("the whole fleet serves"):
          wait_until("both proxies are up", lambda: all_up(ns1, ns2))
          t.assertEqual(answered("127.0.0.1", "www.example.test"), sorted([PX1, PX2]))
          with visiting("--gap 1s", nameservers=resolver):
              client.sleep(5)

      with subtest("a backend of a stateless service is gone: nothing, for safe requests"):
          with visiting("--posts-may-fail", f"--gap {GAP}", nameservers=resolver):
              web1.crash()
              wait_until("web1 is seen down", lambda: not up("www", "web1"))
              client.sleep(2)
          boot(web1)
          wait_until("web1 is up again", lambda: up("www", "web1"))

      with subtest("the primary of a stateful service is gone: new requests wait, the service fails over and stays"):
          with visiting("--posts-may-fail", "--lost-sessions 40", f"--gap {GAP}", nameservers=resolver):
              web2.crash()
              wait_until("both proxies serve web3", lambda: active(px1) == active(px2) == "web3")
              client.sleep(2)
          boot(web2)
          wait_until("web2 is up again", lambda: up("shop", "web2") and up("www", "web2"))
          with visiting("--gap 1s"):
              client.sleep(3)
          t.assertEqual((active(px1), active(px2)), ("web3", "web3"))

      with subtest("an operator fails it back"):
          px1.succeed("polder failback shop --why test >&2")
          wait_until("both proxies serve web2", lambda: active(px1) == active(px2) == "web2")

      with subtest("a proxy is gone: the next address, and soon no answer with it"):
          with visiting("--posts-may-fail", f"--may-fail-via {PX1}", f"--gap {GAP}", nameservers=resolver):
              px1.crash()
              for nameserver in (NS1, NS2):
                  wait_until("px1 is no longer answered", lambda: answered(nameserver) == [PX2])
              client.sleep(6)
          ready(px1)
          for nameserver in (NS1, NS2):
              wait_until("px1 is answered again", lambda: answered(nameserver) == sorted([PX1, PX2]))

      with subtest("a nameserver is cut off: resolvers ask the other one"):
          with visiting(f"--gap {GAP}", nameservers=resolver):
              ns1.block()
              client.sleep(8)
          ns1.unblock()

      with subtest("a nameserver is shut down in order: the same"):
          with visiting(f"--gap {GAP}"):
              ns2.shutdown()
              client.sleep(5)
          ready(ns2)

      with subtest("every check of a pool fails: answered as configured"):
          cut = "nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'; nft add rule inet cut out tcp dport 80 drop"
          with visiting("--gap 1s", nameservers=resolver):
              for host in (ns1, ns2):
                  host.succeed(cut)
              for host in (ns1, ns2):
                  wait_until(
                      "all members are seen down",
                      lambda: "polder_pool_all_down{daemon=\"nameserver\",pool=\"http0.l.example.test\"} 1" in metrics(host, "polder-dns"),
                  )
              t.assertEqual(answered(NS1), sorted([PX1, PX2]))
              t.assertEqual(answered(NS2), sorted([PX1, PX2]))
              client.sleep(6)
          for host in (ns1, ns2):
              host.succeed("nft delete table inet cut")

      with subtest("an operator drains a proxy at one nameserver: both answer without it, visitors see nothing"):
          with visiting("--gap 1s", nameservers=resolver):
              ns1.succeed("polder drain px2 --why test >&2")
              wait_until("px2 is no longer answered", lambda: answered(NS1) == answered(NS2) == [PX1])
              client.sleep(6)
              ns2.succeed("polder ready px2 >&2")
              wait_until("px2 is answered again", lambda: answered(NS1) == answered(NS2) == sorted([PX1, PX2]))

      with subtest("were it otherwise, the judge would say so"):
          with t.assertRaisesRegex(AssertionError, "failed"):
              with visiting():
                  px1.block()
                  px2.block()
                  client.sleep(5)
    '';
}
