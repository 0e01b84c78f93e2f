# Changes committed and pushed from both admin machines, under visitors who notice nothing.
{ pushTests, ... }:

{
  name = "push";
  globalTimeout = 1200;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      import time

      start_fleet()

      def push(machine, arguments=""):
          return machine.succeed(alice(f"polder push {arguments} 2>&1"))

      with subtest("polder check finds nothing wrong, and plan says what a first push would do"):
          admin_nl.succeed(alice("polder check"))
          plan = admin_nl.succeed(alice("polder plan"))
          log.info(plan)

      with subtest("the first push takes the whole fleet along, and visitors see nothing"):
          before = systems()
          with visiting("--gap 1s") as seen:
              log.info(push(admin_nl))
          t.assertEqual((seen["figures"]["failed"], seen["figures"]["failed_queries"]), (0, 0))
          after = systems()
          t.assertTrue(all(before[name] != after[name] for name in before), "every host has a new system")
          for machine in hosts:
              t.assertEqual(machine.succeed("readlink -f /nix/var/nix/profiles/system").strip(), current(machine))

      with subtest("an unchanged fleet: nothing is activated"):
          before = {m.name: m.succeed("cat /var/lib/polder-push/ledger.jsonl") for m in hosts}
          began = time.monotonic()
          said = push(admin_nl)
          took = time.monotonic() - began
          log.info(f"a push of {len(hosts)} hosts of which none changes took {took:.1f} s")
          t.assertIn("nothing would change", said)
          t.assertLess(took, 20)
          t.assertEqual(before, {m.name: m.succeed("cat /var/lib/polder-push/ledger.jsonl") for m in hosts})

      with subtest("a commit of documentation changes no host"):
          admin_nl.succeed(alice("echo how we work > NOTES.md && svn add --quiet NOTES.md && svn commit --quiet --message notes && svn update --quiet"))
          t.assertIn("nothing would change", push(admin_nl))

      with subtest("a change is committed, reviewed as a plan and pushed as that from admin-nl; it reloads the proxies and restarts nothing"):
          edit(admin_nl, "fall = 3", "fall = 4")
          admin_nl.succeed(alice("svn commit --quiet --message patience && svn update --quiet"))
          plan = admin_nl.succeed(alice("polder plan --save /tmp/reviewed.json"))
          log.info(plan)
          t.assertIn("reloads polder-proxy", plan)
          daemons = {m.name: m.get_unit_property("polder-proxy.service", "MainPID") for m in (PX_NL, PX_CH)}
          with visiting("--gap 1s") as seen:
              log.info(push(admin_nl, "--plan /tmp/reviewed.json"))
          t.assertEqual((seen["figures"]["failed"], seen["figures"]["failed_queries"]), (0, 0))
          recorded = {json.loads(m.succeed("tail -n 1 /var/lib/polder-push/ledger.jsonl"))["plan"] for m in (PX_NL, PX_CH)}
          t.assertEqual(len(recorded), 1)
          t.assertIn(recorded.pop()[:12], plan)
          t.assertEqual(daemons, {m.name: m.get_unit_property("polder-proxy.service", "MainPID") for m in (PX_NL, PX_CH)})
          t.assertEqual(json.loads(PX_NL.succeed("cat /etc/polder/proxy.json"))["services"]["www"]["check"]["fall"], 4)

      with subtest("then another from admin-ch, and both ledgers agree"):
          admin_ch.succeed(alice("svn update --quiet"))
          edit(admin_ch, "hostmaster ( 1 ", "hostmaster ( 2 ", "hosts/zones/example.test.zone")
          admin_ch.succeed(alice("echo \"new IN CNAME http0.l\" >> hosts/zones/example.test.zone && svn commit --quiet --message new && svn update --quiet"))
          plan = admin_ch.succeed(alice("polder plan"))
          log.info(plan)
          t.assertIn("serial 1 -> 2", plan)
          log.info(push(admin_ch))
          wait_until("the new name is answered", lambda: answered("ns-nl", "new.example.test") == answered("ns-ch", "new.example.test") != [])
          logs = [json.loads(m.succeed(alice("polder log --json"))) for m in (admin_nl, admin_ch)]
          t.assertEqual(logs[0], logs[1])
          t.assertEqual({e["entry"]["from"] for e in logs[0]["entries"]}, {"admin-nl", "admin-ch"})

      with subtest("a plan that CH has overtaken is refused, with the reason"):
          admin_nl.succeed(alice("svn update --quiet"))
          edit(admin_nl, "fall = 4", "fall = 5")
          admin_nl.succeed(alice("polder plan --save /tmp/plan.json"))
          edit(admin_ch, "fall = 4", "fall = 6")
          push(admin_ch)
          said = admin_nl.fail(alice("polder push --plan /tmp/plan.json 2>&1"))
          log.info(said)
          t.assertRegex(said, "stale|differs")
          t.assertEqual(json.loads(PX_NL.succeed("cat /etc/polder/proxy.json"))["services"]["www"]["check"]["fall"], 6)

      with subtest("of two pushes at once exactly one proceeds, and the other says who holds the lock"):
          edit(admin_ch, "fall = 6", "fall = 7")
          for machine in (admin_nl, admin_ch):
              machine.succeed(f"systemd-run --unit=push --property=StandardOutput=file:/tmp/said --property=StandardError=file:/tmp/said --property=RemainAfterExit=yes {alice('polder push')}")
          for machine in (admin_nl, admin_ch):
              wait_until("the push is over", lambda: machine.get_unit_property("push.service", "SubState") in ("exited", "failed"), 120)
          said = {m.name: m.succeed("cat /tmp/said") for m in (admin_nl, admin_ch)}
          log.info(str(said))
          codes = [int(m.get_unit_property("push.service", "ExecMainStatus")) for m in (admin_nl, admin_ch)]
          t.assertEqual(sorted(codes)[0], 0)
          t.assertNotEqual(sorted(codes)[1], 0)
          t.assertEqual(sum("locked by alice@" in words for words in said.values()), 1)
    '';
}
