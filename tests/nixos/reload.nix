# A change of the fleet causes a reload, a change of the package a takeover, and a crash keeps the sockets: visitors notice none of them.
{ lib, polderTests, ... }:

let
  # Each is a system of its own, switched to with switch-to-configuration.
  variants =
    { config, pkgs, ... }:
    let
      other =
        name:
        # The same programs at another path: what an upgrade is, as far as the machine can tell.
        pkgs.runCommand "polder-${name}" { inherit (config.polder.package) meta; } ''
          cp -r ${config.polder.package} $out
        '';
    in
    {
      system.switch.enable = true;
      # A service's backends for the proxies, a pool's TTL for the nameservers.
      specialisation.changed.configuration.polder.fleet = {
        services.www.backends = lib.mkForce [
          {
            host = "web2";
            port = 8080;
          }
        ];
        pools."http0.l.example.test".ttl = 7;
      };
      specialisation.upgraded.configuration = {
        polder.package = other "upgraded";
        polder.checkPackage = config.polder.package;
      };
      # A document that is valid, and names a key that is not there: only the daemon on this host can know.
      specialisation.refused.configuration.polder.keys.cookies = lib.mkForce "/etc/test-keys/missing";
      # The nameserver has no cookies. It has a key of its own, which such a document does not list.
      specialisation.refused-dns.configuration.polder.fleet.hosts.ns1.peerKeys.nameserver =
        lib.mkForce
          [ ];
    };
in
{
  name = "reload";
  globalTimeout = 900;

  nodes = polderTests.nodes // {
    px1.imports = [
      polderTests.nodes.px1
      variants
    ];
    ns1.imports = [
      polderTests.nodes.ns1
      variants
    ];
    client =
      { pkgs, ... }:
      {
        imports = [ polderTests.nodes.client ];
        environment.systemPackages = [
          (pkgs.writeShellApplication {
            name = "knock";
            runtimeInputs = [
              pkgs.coreutils
              pkgs.netcat
            ];
            text = ''
              # knock ADDRESS PORT: opens connections, one after the other, and says which were not taken.
              while sleep 0.02; do nc -z -w 5 "$1" "$2" || echo refused; done
            '';
          })
        ];
      };
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      PROXY, NAMESERVER = (px1, "polder-proxy"), (ns1, "polder-dns")

      def switch(host, to):
          """Switches to a variant; what switch-to-configuration said and its exit code."""
          system = "/run/booted-system" + (f"/specialisation/{to}" if to else "")
          code, said = host.execute(f"{system}/bin/switch-to-configuration test 2>&1")
          log.info(said)
          return code, said

      def journal(host, unit):
          """How often systemd has said what of a unit since the host started."""
          lines = host.succeed(f"journalctl --boot --output=cat --unit={unit}.service _PID=1").splitlines()
          return {word: sum(1 for line in lines if line.startswith(word)) for word in ("Started", "Stopped", "Reloaded")}

      def pid(host, unit):
          return host.succeed(f"systemctl show --property=MainPID --value {unit}.service").strip()

      def running(host, unit):
          return host.succeed(f"readlink /proc/{pid(host, unit)}/exe").strip()

      ready(web1, web2, web3)
      ready(ns1, ns2, px1, px2, client)
      wait_until("both proxies are up", lambda: all_up(ns1, ns2))

      with subtest("a change of the fleet reloads, and restarts nothing"):
          for host, unit in (PROXY, NAMESERVER):
              before = pid(host, unit)
              with visiting("--gap 1s"):
                  code, said = switch(host, "changed")
                  t.assertEqual(code, 0, said)
                  t.assertRegex(said, f"reloading the following units: .*{unit}.service")
                  client.sleep(2)
              t.assertEqual(pid(host, unit), before)
              t.assertEqual(journal(host, unit), {"Started": 1, "Stopped": 0, "Reloaded": 1})
          backends = next(s["backends"] for s in status(px1)["services"] if s["name"] == "www")
          t.assertEqual([b["name"] for b in backends], ["web2"])
          client.succeed(f"dig @{NS1} {POOL} A | grep -E '\\s7\\s+IN\\s+A'")

      with subtest("a switch to the same again touches nothing"):
          for host, unit in (PROXY, NAMESERVER):
              code, said = switch(host, "changed")
              t.assertEqual(code, 0, said)
              t.assertNotIn(unit, said)

      with subtest("a change of the package is a takeover: no connection and no datagram is lost"):
          for host, unit in (PROXY, NAMESERVER):
              before, program = pid(host, unit), running(host, unit)
              # Queries go to one nameserver and are asked once: a datagram that is lost is a failure.
              with visiting("--gap 1s", nameservers=(NS1,), requests=200, queries=200):
                  code, said = switch(host, "upgraded")
                  t.assertEqual(code, 0, said)
                  client.sleep(3)
              t.assertNotEqual(pid(host, unit), before)
              t.assertNotEqual(running(host, unit), program)
              t.assertIn("upgraded", running(host, unit))
              counts = journal(host, unit)
              t.assertEqual((counts["Stopped"], counts["Reloaded"]), (0, 2))
              # And back, from a main process that systemd did not start.
              code, said = switch(host, None)
              t.assertEqual(code, 0, said)
              t.assertEqual(running(host, unit), program)
              host.require_unit_state(f"{unit}.service", "active")

      with subtest("a takeover is the service's own: neither root nor another service of the same user gets the sockets"):
          for (host, unit), document in ((PROXY, "proxy.json"), (NAMESERVER, "dns.json")):
              before = pid(host, unit)
              heir = f"/etc/polder/bin/{unit} --config /etc/polder/{document} --takeover"
              t.assertIn("a takeover is for the user this daemon runs as", host.fail(f"{heir} 2>&1"))
              said = host.fail(f"systemd-run --quiet --wait --pipe --uid={unit} {heir} 2>&1")
              t.assertIn("reload that service instead", said)
              t.assertEqual(pid(host, unit), before)

      with subtest("kill -9 keeps the listening sockets: who comes meanwhile waits, and is served"):
          for (host, unit), address, port in ((PROXY, PX1, 80), (NAMESERVER, NS1, 53)):
              before = pid(host, unit)
              stored = int(host.succeed(f"systemctl show --property=NFileDescriptorStore --value {unit}.service"))
              t.assertGreater(stored, 0)
              # No connection is refused at any moment.
              client.succeed(
                  f"systemd-run --unit=knock --property=StandardOutput=file:/tmp/knock knock {address} {port}"
              )
              with visiting("--posts-may-fail", f"--may-fail-via {PX1}", "--gap 3s"):
                  host.succeed(f"kill -9 {before}")
                  wait_until("another process serves", lambda: pid(host, unit) not in ("0", before))
                  host.wait_for_unit(f"{unit}.service")
                  client.sleep(2)
              client.succeed("systemctl stop knock.service; ! grep refused /tmp/knock")

      with subtest("a reload that the daemon refuses: the switch says so, and the daemon goes on"):
          for (host, unit), variant, named in (
              (PROXY, "refused", "/etc/test-keys/missing"),
              (NAMESERVER, "refused-dns", "peers.members.ns1.keys: lists none"),
          ):
              before = pid(host, unit)
              with visiting("--gap 1s"):
                  code, said = switch(host, variant)
                  t.assertNotEqual(code, 0, said)
                  client.sleep(1)
              t.assertEqual(pid(host, unit), before)
              host.succeed(f"journalctl --boot --unit={unit}.service | grep -F '{named}'")
              # And the next switch that is well is done.
              code, said = switch(host, None)
              t.assertEqual(code, 0, said)
              t.assertEqual(pid(host, unit), before)
    '';
}
