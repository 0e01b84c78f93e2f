# What operators do besides pushing: status, drain, lock, rollback and keys, also without a nameserver or an admin machine.
{ pushTests, ... }:

{
  name = "push-operations";
  globalTimeout = 1200;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      def site(name):
          """How a proxy answers for a host name."""
          return client.succeed(f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {name}' http://{ADDRESS['px-nl']}/").strip()

      start_fleet()
      admin_nl.succeed(alice("polder push 2>&1"))

      with subtest("status shows the whole fleet on one screen, and all is well"):
          admin_nl.wait_until_succeeds(alice("polder status"), timeout=30)
          said = admin_nl.succeed(alice("COLUMNS=500 polder status"))
          log.info(said)
          for machine in hosts:
              t.assertIn(machine.name, said)
          t.assertIn("as pushed", said)

      with subtest("a host that somebody switched by hand shows"):
          WEB = NAMES["web-1"]
          pushed = current(WEB)
          first = WEB.succeed("readlink -f /run/booted-system").strip()
          WEB.succeed(f"{first}/bin/switch-to-configuration test >&2")
          said = admin_nl.fail(alice("COLUMNS=500 polder status"))
          log.info(said)
          t.assertIn("profile differs from what runs: a reboot would change it", said)
          WEB.succeed(f"{pushed}/bin/switch-to-configuration test >&2")
          admin_nl.succeed(alice("polder status"))

      with subtest("drain reaches all nameservers from the admin machine, and says when the last cached answer expires"):
          said = admin_nl.succeed(alice("polder drain px-ch --for 2h --why disk 2>&1"))
          log.info(said)
          t.assertIn("expires", said)
          for nameserver in ("ns-nl", "ns-ch"):
              wait_until("px-ch is not answered", lambda: answered(nameserver) == [ADDRESS["px-nl"]])

      with subtest("with a nameserver gone it says which one it could not reach"):
          NS_CH.crash()
          said = admin_nl.fail(alice("polder ready px-ch 2>&1"))
          log.info(said)
          t.assertRegex(said, "ns-ch.*not reached")
          wait_until("px-ch is answered again", lambda: answered("ns-nl") == sorted([ADDRESS["px-ch"], ADDRESS["px-nl"]]))
          boot(NS_CH)
          wait_until("ns-ch has learned it", lambda: answered("ns-ch") == sorted([ADDRESS["px-ch"], ADDRESS["px-nl"]]))

      with subtest("a stateful service fails over and back, from an admin machine"):
          admin_ch.succeed(alice("polder check && polder failover shop --why test >&2"))
          said = admin_ch.succeed(alice("polder explain http://shop.example.test/"))
          t.assertIn("web-3", said)
          admin_ch.succeed(alice("polder failback shop --why \"web-2 is well again\" >&2"))

      with subtest("a host tells its own ledger without an admin machine, to root"):
          said = PX_CH.succeed("polder log")
          log.info(said)
          t.assertIn("confirmed", said)
          t.assertIn("root may read it", PX_CH.fail("su -s /bin/sh nobody -c 'polder log' 2>&1"))

      with subtest("a lock taken by hand keeps the other admin out, and its holder pushes"):
          admin_nl.succeed(alice("polder lock --reason upgrade --for 10m 2>&1"))
          edit(admin_ch, "fall = 3", "fall = 4")
          said = admin_ch.fail(alice("polder push 2>&1"))
          log.info(said)
          t.assertIn("locked by alice@admin-nl (nl): upgrade", said)
          edit(admin_nl, "fall = 3", "fall = 4")
          admin_nl.succeed(alice("polder push 2>&1"))
          admin_nl.succeed(alice("polder unlock 2>&1"))
          t.assertIn("nothing would change", admin_ch.succeed(alice("polder push 2>&1")))

      with subtest("rollback takes one host back, then the last push, then the one before, and a push brings all forward again"):
          new = systems()
          said = admin_nl.succeed(alice("polder rollback px-ch 2>&1"))
          log.info(said)
          old = current(PX_CH)
          t.assertEqual({**new, "px-ch": old}, systems())
          t.assertNotEqual(old, new["px-ch"])
          with visiting("--gap 1s"):
              admin_nl.succeed(alice("polder push 2>&1"))
          t.assertEqual(systems(), new)
          # That push changed px-ch alone.
          said = admin_nl.succeed(alice("polder rollback 2>&1"))
          log.info(said)
          t.assertEqual({**new, "px-ch": old}, systems())
          said = admin_ch.succeed(alice("polder rollback 2>&1"))
          log.info(said)
          t.assertEqual(json.loads(PX_NL.succeed("cat /etc/polder/proxy.json"))["services"]["www"]["check"]["fall"], 3)
          t.assertEqual({name: system for name, system in systems().items() if name.startswith(("web", "svn"))},
                        {name: system for name, system in new.items() if name.startswith(("web", "svn"))})
          # Back to what it was booted with, which nobody pushed, nobody signed.
          admin_nl.succeed(alice("polder rollback web-1 2>&1"))
          t.assertEqual(current(WEB), WEB.succeed("readlink -f /run/booted-system").strip())
          admin_nl.succeed(alice("polder push 2>&1"))
          t.assertEqual(systems(), new)
          pushes = [e["entry"]["push"] for e in json.loads(admin_nl.succeed(alice("polder log --json")))["entries"] if "push" in e["entry"]]
          first = sorted(set(pushes))[0]
          admin_nl.succeed(alice(f"polder rollback --to {first} 2>&1"))
          t.assertEqual(json.loads(PX_NL.succeed("cat /etc/polder/proxy.json"))["services"]["www"]["check"]["fall"], 3)
          admin_nl.succeed(alice("polder push 2>&1"))
          t.assertEqual(systems(), new)

      with subtest("a rollback of what a push had brought: a name, its route, and a higher serial"):
          edit(admin_nl, "hostmaster ( 1 ", "hostmaster ( 2 ", "hosts/zones/example.test.zone")
          admin_nl.succeed(alice("echo \"extra IN CNAME http0.l\" >> hosts/zones/example.test.zone"))
          admin_nl.succeed(alice("sed -i \"/^ *.www.example.test./a \\\"extra.example.test\\\"\" hosts/default.nix"))
          admin_nl.succeed(alice("polder push 2>&1"))
          wait_until("the name is answered", lambda: answered("ns-ch", "extra.example.test") != [])
          t.assertEqual(site("extra.example.test"), "200")
          said = admin_nl.succeed(alice("polder rollback 2>&1"))
          log.info(said)
          t.assertEqual(systems(), new)
          t.assertEqual((site("extra.example.test"), site("www.example.test")), ("404", "200"))
          # The working copy still has it, and who plans is told.
          said = admin_nl.succeed(alice("polder plan 2>&1"))
          log.info(said)
          t.assertIn("this push would bring back", said)
          admin_nl.succeed(alice("svn revert --quiet --recursive . && sed -i \"s/fall = 3/fall = 4/\" hosts/default.nix"))
          t.assertIn("nothing would change", admin_nl.succeed(alice("polder push 2>&1")))

      with subtest("cookie keys are rotated without losing a session"):
          with visiting("--gap 1s"):
              admin_nl.succeed(alice("polder keys rotate cookies 2>&1"))
          said = admin_nl.succeed(alice("polder keys show"))
          log.info(said)
          t.assertEqual(PX_NL.succeed("sha256sum < /var/lib/polder-keys/cookies"), PX_CH.succeed("sha256sum < /var/lib/polder-keys/cookies"))
          t.assertEqual(PX_NL.succeed("grep -c . /var/lib/polder-keys/cookies").strip(), "2")
          t.assertEqual(PX_NL.succeed("stat --format=%U:%G:%a /var/lib/polder-keys/cookies").strip(), "polder-proxy:root:400")
          admin_nl.succeed(alice("polder keys retire cookies 2>&1"))
          t.assertEqual(PX_NL.succeed("grep -c . /var/lib/polder-keys/cookies").strip(), "1")
          PX_NL.fail(f"grep -q {SECRET} /var/lib/polder-keys/cookies")
          # What was secret is neither in a journal nor in a ledger.
          for machine in (PX_NL, PX_CH, admin_nl):
              key = PX_NL.succeed("cat /var/lib/polder-keys/cookies").strip()
              machine.fail(f"journalctl --no-pager | grep -F -- '{key}'")
          PX_NL.fail(f"grep -F -- '{key}' /var/lib/polder-push/ledger.jsonl")

      with subtest("an admin machine is gone: the other one pushes"):
          admin_nl.crash()
          admin_ch.succeed(alice("svn revert --quiet --recursive . && svn update --quiet"))
          edit(admin_ch, "fall = 3", "fall = 5")
          said = admin_ch.fail(alice("polder push 2>&1"))
          t.assertIn("--skip admin-nl", said)
          said = admin_ch.succeed(alice("polder push --skip admin-nl 2>&1"))
          log.info(said)
          t.assertEqual(json.loads(PX_NL.succeed("cat /etc/polder/proxy.json"))["services"]["www"]["check"]["fall"], 5)
    '';
}
