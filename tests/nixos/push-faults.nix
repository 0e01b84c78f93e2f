# What can fail in a push: a host that gets worse rolls back by itself, no other host is changed, and visitors hardly notice.
{ pushTests, ... }:

{
  name = "push-faults";
  globalTimeout = 1500;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      start_fleet()
      admin_nl.succeed(alice("polder push 2>&1"))
      fall = 3

      def change():
          """A harmless change of the proxies and nameservers: how often a check may fail."""
          global fall
          edit(admin_nl, f"fall = {fall}", f"fall = {fall + 1}")
          fall += 1

      def revert():
          admin_nl.succeed(alice("svn revert --quiet --recursive ."))
          global fall
          fall = 3

      def refused(arguments=""):
          said = admin_nl.fail(alice(f"polder push {arguments} 2>&1"))
          log.info(said)
          return said

      def last(machine):
          """The newest line of a host's ledger."""
          return json.loads(machine.succeed("tail -n 1 /var/lib/polder-push/ledger.jsonl"))

      def phase(machine):
          """Where an activation on a host is, if there is one."""
          return machine.execute("grep -oE '\"phase\":\"[a-z]+\"' /var/lib/polder-push/activation.json")[1].strip()[9:-1]

      def is_settled(machine):
          """Nothing is on trial, and what runs is the profile."""
          profile = machine.succeed("readlink -f /nix/var/nix/profiles/system").strip()
          return phase(machine) == "" and current(machine) == profile

      begun = 0

      def push_in_background(arguments=""):
          """As a unit of its own each time: what a killed one leaves behind is in nobody's way."""
          global begun
          begun += 1
          admin_nl.succeed(
              "rm -f /tmp/said",
              f"systemd-run --collect --unit=push-{begun} --uid=alice --working-directory=/srv/fleet --property=StandardOutput=truncate:/tmp/said "
              f"--property=StandardError=truncate:/tmp/said --property=KillMode=process --setenv=HOME=/home/alice $(command -v polder) push {arguments}",
          )

      def is_over():
          return admin_nl.execute(f"systemctl is-active push-{begun}.service")[0] != 0

      with subtest("a change that breaks routing is refused by the rehearsal on the first proxy, and visitors see nothing"):
          before = systems()
          edit(admin_nl, "/healthz", "/nowhere")
          with visiting("--gap 1s"):
              said = refused()
          t.assertRegex(said, r"px-ch *refused")
          t.assertIn("service www", said)
          t.assertIn("web-1 at 192.168.1.9:8080 is down", said)
          t.assertEqual(before, systems())
          revert()

      with subtest("a fault that only shows after activation: that proxy goes back by itself, and no second host is touched"):
          before = systems()
          admin_nl.succeed(alice("for host in px-ch px-nl; do echo \"{ lib, ... }: { networking.firewall.allowedTCPPorts = lib.mkForce [ 22 ]; }\" > hosts/$host.nix; done"))
          with visiting("--gap 2s") as seen:
              said = refused("--prove-within 5s")
          t.assertRegex(said, r"px-ch *reverted")
          t.assertIn("px-nl: not begun", said)
          t.assertEqual(before, systems())
          t.assertEqual(last(PX_CH)["outcome"], "reverted")
          t.assertEqual(seen["figures"]["failed_safe"], 0)
          revert()

      with subtest("a change that locks ssh out goes back within the confirmation time"):
          before = systems()
          admin_nl.succeed(alice("echo \"{ lib, ... }: { networking.firewall = { allowedTCPPorts = lib.mkForce [ 80 ]; extraInputRules = lib.mkForce (toString [ ]); }; }\" > hosts/px-ch.nix"))
          with visiting("--gap 1s"):
              said = refused("--confirm-within 15s --prove-within 5s")
          t.assertRegex(said, r"px-ch *reverted")
          t.assertIn("no confirmation came within 15 s", said)
          t.assertEqual(before, systems())
          admin_nl.succeed(f"nc -z {ADDRESS['px-ch']} 22")
          revert()

      with subtest("the supervisor is killed: the host goes back all the same"):
          before = systems()
          change()
          push_in_background("--only px-ch --prove-within 20s")
          wait_until("px-ch is on trial", lambda: phase(PX_CH) == "trial", 60)
          PX_CH.succeed("systemctl kill --signal=KILL --kill-whom=main polder-activate.service")
          wait_until("px-ch is back", lambda: is_settled(PX_CH), 30)
          wait_until("the push is over", is_over, 60)
          t.assertEqual(before, systems())
          t.assertIn("its supervisor was killed", last(PX_CH)["words"])

      with subtest("a crash of the host between test and confirmation: it boots its old system"):
          push_in_background("--only px-ch --prove-within 20s")
          wait_until("px-ch is on trial", lambda: phase(PX_CH) == "trial", 60)
          PX_CH.crash()
          boot(PX_CH)
          t.assertEqual(before["px-ch"], current(PX_CH))
          wait_until("the push is over", is_over, 240)
          said = admin_nl.succeed("cat /tmp/said")
          log.info(said)
          t.assertIn("restarted before the confirmation", said)
          t.assertEqual(last(PX_CH)["outcome"], "reverted")
          t.assertTrue(is_settled(PX_CH))

      with subtest("ctrl-C while a host is on trial: it goes back, no further one is begun, and the lock is given back"):
          change()
          push_in_background()
          wait_until("a host is proved", lambda: admin_nl.execute("grep -q prove /tmp/said")[0] == 0, 60)
          admin_nl.succeed(f"systemctl kill --signal=INT --kill-whom=main push-{begun}.service")
          wait_until("the push is over", is_over, 60)
          said = admin_nl.succeed("cat /tmp/said")
          log.info(said)
          t.assertRegex(said, "reverted +the pusher was interrupted")
          t.assertIn("not begun", said)
          t.assertTrue(all(is_settled(machine) for machine in hosts))
          # Nothing is in its way.
          admin_nl.succeed(alice("polder push 2>&1"))

      with subtest("the network between pusher and hosts is cut while one is on trial: it goes back by itself, and the pusher learns so"):
          change()
          push_in_background("--confirm-within 10s")
          wait_until("a host is proved", lambda: admin_nl.execute("grep -q prove /tmp/said")[0] == 0, 60)
          admin_nl.block()
          for machine in hosts:
              wait_until(f"{machine.name} is settled", lambda: is_settled(machine), 60)
          admin_nl.unblock()
          wait_until("the push is over", is_over, 240)
          said = admin_nl.succeed("cat /tmp/said")
          log.info(said)
          t.assertRegex(said, "reverted|confirmed over a fresh connection")
          t.assertTrue(all(is_settled(machine) for machine in hosts))
          admin_nl.execute(alice("polder lock --break --why \"the network was cut\" 2>&1"))
          admin_nl.succeed(alice("polder push 2>&1"))

      with subtest("the pusher is killed in each phase: every host is on its old system or on a confirmed new one, and the next push works"):
          for moment in ("evaluating", "asking", "building", "copy", "rehearse", "activate", "prove", "confirmed"):
              log.info(f"killed at: {moment}")
              change()
              before = systems()
              push_in_background("--confirm-within 10s")
              wait_until(moment, lambda: admin_nl.execute(f"grep -q '{moment}' /tmp/said")[0] == 0, 60)
              admin_nl.succeed(f"systemctl kill --signal=KILL --kill-whom=main push-{begun}.service")
              wait_until("the pusher is gone", is_over)
              # What it had asked of a host may be on its way still.
              wait_until("no ssh of it is left", lambda: admin_nl.execute("pgrep -u alice -f 'polder 2( [a-z]+)?$'")[0] != 0, 60)
              for machine in hosts:
                  wait_until(f"{machine.name} is settled", lambda: is_settled(machine), 40)
              # Its lock would end by itself within a minute.
              admin_nl.succeed(alice("polder lock --break --why killed 2>&1"))
              said = admin_nl.succeed(alice("polder push 2>&1"))
              for machine in hosts:
                  t.assertTrue(is_settled(machine), machine.name)
              now = json.loads(PX_NL.succeed("cat /etc/polder/proxy.json"))["services"]["www"]["check"]["fall"]
              t.assertEqual(now, fall, moment)
          broken = PX_NL.succeed("grep -c lock-broken /var/lib/polder-push/ledger.jsonl")
          t.assertGreater(int(broken), 0)
    '';
}
