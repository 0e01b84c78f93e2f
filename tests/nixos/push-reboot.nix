# A change that NixOS refuses to switch over: the plan says so, and the push restarts that host into its new system on trial.
{ pushTests, ... }:

{
  name = "push-reboot";
  globalTimeout = 1200;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      start_fleet()
      admin_nl.succeed(alice("polder push 2>&1"))

      def last():
          """The newest line of px-ch's ledger. Its own shell ends with each restart, so it is asked over its gate."""
          entries = json.loads(admin_nl.succeed(alice("polder log px-ch --json")))["entries"]
          return entries[-1]["entry"]

      def inhibitor(machine):
          return json.loads(machine.succeed("cat /run/current-system/switch-inhibitors"))["lab"]

      with subtest("the plan says so, and without --reboot nothing is changed"):
          before = systems()
          edit(admin_nl, "one", "two", "hosts/px-ch.nix")
          said = admin_nl.succeed(alice("polder plan"))
          log.info(said)
          t.assertIn("lab: one -> two", said)
          said = admin_nl.fail(alice("polder push 2>&1"))
          log.info(said)
          t.assertIn("use --reboot", said)
          t.assertEqual(before, systems())

      with subtest("with --reboot it boots into its new system, which is proved and confirmed, while visitors go on"):
          with visiting("--posts-may-fail", f"--may-fail-via {ADDRESS['px-ch']}", "--gap 10s"):
              log.info(admin_nl.succeed(alice("polder push --reboot 2>&1")))
          entry = last()
          t.assertEqual(entry["outcome"], "confirmed")
          t.assertNotEqual(entry["system"], before["px-ch"])
          confirmed = entry["system"]
          PX_CH.reboot()
          PX_CH.wait_for_unit("multi-user.target")
          t.assertEqual((current(PX_CH), inhibitor(PX_CH)), (confirmed, "two"))
          t.assertEqual(PX_CH.succeed("readlink -f /nix/var/nix/profiles/system").strip(), confirmed)
          t.assertGreaterEqual(int(PX_CH.succeed("journalctl --list-boots --quiet | grep -c .")), 3)
          t.assertIn("nothing would change", admin_nl.succeed(alice("polder push 2>&1")))

      with subtest("a pusher that is killed meanwhile confirms nothing: the host boots back by itself"):
          edit(admin_nl, "two", "three", "hosts/px-ch.nix")
          command = alice("polder push --reboot --confirm-within 10s")
          admin_nl.succeed(f"systemd-run --unit=push --property=StandardOutput=file:/tmp/said --property=StandardError=file:/tmp/said {command}")
          wait_until("it activates", lambda: admin_nl.execute("grep -q activate /tmp/said")[0] == 0, 120)
          admin_nl.sleep(2)
          admin_nl.succeed("systemctl kill --signal=KILL push.service")
          wait_until("the host has gone back", lambda: last()["outcome"] == "reverted", 300)
          PX_CH.reboot()
          PX_CH.wait_for_unit("multi-user.target")
          t.assertEqual((current(PX_CH), inhibitor(PX_CH)), (confirmed, "two"))
          t.assertEqual(PX_CH.succeed("readlink -f /nix/var/nix/profiles/system").strip(), confirmed)
    '';
}
