# The working copy and the repository: what blocks a push, and pushing while the svn machine is gone.
{ pushTests, ... }:

{
  name = "push-svn";
  globalTimeout = 1200;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      start_fleet()
      admin_nl.succeed(alice("polder push 2>&1"))

      with subtest("a working copy that is not what it seems: each file gets its own answer, and nothing is pushed"):
          # Another operator changes the line that alice changes: a conflict.
          edit(admin_ch, "fall = 3", "fall = 8")
          admin_ch.succeed(alice("svn commit --quiet --message eight"))
          edit(admin_nl, "fall = 3", "fall = 9")
          admin_nl.succeed(alice("svn update --quiet --accept postpone"))
          admin_nl.succeed(alice("touch stray.nix; rm hosts/web-3.nix; echo >> hosts/web-1.nix"))
          said = admin_nl.fail(alice("polder push 2>&1"))
          log.info(said)
          for words in (
              "hosts/default.nix: is in conflict: resolve it by hand",
              "stray.nix: is not under version control: `svn add stray.nix`",
              "hosts/web-3.nix: is missing: `svn revert hosts/web-3.nix`",
          ):
              t.assertIn(words, said)
          # A modified file is what a push is for: nothing is said against it.
          t.assertNotIn("web-1.nix", said)
          admin_nl.succeed(alice("rm stray.nix; svn revert --quiet --recursive . && svn update --quiet && svn status"))
          admin_nl.succeed(alice("polder push 2>&1"))

      with subtest("status knows when a working copy is behind"):
          edit(admin_ch, "fall = 8", "fall = 3")
          admin_ch.succeed(alice("svn commit --quiet --message three && svn update --quiet"))
          _, said = admin_nl.execute(alice("COLUMNS=500 polder status 2>&1"))
          log.info(said)
          t.assertIn("1 revision behind the server", said)
          admin_nl.succeed(alice("svn update --quiet && polder push 2>&1"))

      with subtest("the svn machine is gone: a push is deferred, and says so"):
          svn.crash()
          edit(admin_nl, "hostmaster ( 1 ", "hostmaster ( 2 ", "hosts/zones/example.test.zone")
          admin_nl.succeed(alice("echo \"night IN CNAME http0.l\" >> hosts/zones/example.test.zone"))
          said = admin_nl.fail(alice("polder push --defer \"a name for the night\" 2>&1"))
          log.info(said)
          t.assertIn("--skip svn", said)
          said = admin_nl.succeed(alice("polder push --skip svn --defer \"a name for the night\" 2>&1"))
          log.info(said)
          t.assertIn("deferred", said)
          wait_until("the name is answered", lambda: answered("ns-nl", "night.example.test") != [])
          entry = json.loads(NS_NL.succeed("tail -n 1 /var/lib/polder-push/ledger.jsonl"))
          t.assertTrue(entry["deferred"])
          t.assertEqual(entry["skipped"], ["svn"])
          t.assertEqual(entry["local_changes"], ["hosts/zones/example.test.zone"])
          # The working copy on the other machine has not got it: who would undo it unawares is told twice.
          said = admin_ch.fail(alice("polder plan --skip svn 2>&1"))
          log.info(said)
          t.assertIn("`polder serial example.test --above 2`", said)
          said = admin_ch.succeed(alice("polder serial example.test --above 2 && polder plan --skip svn 2>&1"))
          log.info(said)
          t.assertIn("changes to hosts/zones/example.test.zone that are in no revision", said)
          admin_ch.succeed(alice("svn revert --quiet --recursive ."))
          _, said = admin_nl.execute(alice("COLUMNS=500 polder status 2>&1"))
          log.info(said)
          t.assertIn("a name for the night", said)
          said = admin_nl.fail(alice("timeout 60 polder reconcile 2>&1"))
          log.info(said)

      with subtest("svn is back: reconcile commits exactly that, and nothing differs"):
          boot(svn)
          admin_nl.wait_until_succeeds(alice("timeout 10 svn info --show-item revision --revision HEAD"), timeout=30)
          said = admin_nl.succeed(alice("polder reconcile 2>&1"))
          log.info(said)
          t.assertIn("a name for the night", admin_nl.succeed(alice("svn log --limit 1 --revision HEAD")))
          t.assertEqual(admin_nl.succeed(alice("svn status")), "")
          t.assertIn("nothing would change", admin_nl.succeed(alice("polder push 2>&1")))
          admin_ch.succeed(alice("svn update --quiet"))
          t.assertIn("nothing would change", admin_ch.succeed(alice("polder push 2>&1")))

      with subtest("a mirror in the other place follows, and takes no commits"):
          head = svn.succeed("svnlook youngest /var/lib/polder-svn/fleet").strip()
          admin_ch.succeed("systemctl start polder-svn-mirror.service")
          t.assertEqual(admin_ch.succeed("svnlook youngest /var/lib/polder-svn/fleet").strip(), head)
          edit(admin_nl, "fall = 3", "fall = 4")
          admin_nl.succeed(alice("svn commit --quiet --message four && svn update --quiet && polder push 2>&1"))
          admin_ch.succeed("systemctl start polder-svn-mirror.service")
          t.assertEqual(int(admin_ch.succeed("svnlook youngest /var/lib/polder-svn/fleet")), int(head) + 1)
          t.assertIn("r" + str(int(head) + 1), svn.succeed("journalctl --no-pager -t polder-svn"))
          admin_nl.fail(alice("svn info --non-interactive svn+ssh://svn@admin-ch/fleet 2>&1"))

      with subtest("the svn machine is lost for good: the mirror is promoted by a push, and no history is"):
          revisions = admin_nl.succeed(alice("svn log --quiet --revision 1:HEAD"))
          svn.crash()
          admin_nl.succeed(alice("svn delete --quiet hosts/svn.nix"))
          edit(admin_nl, "polder.svnMirror.enable = true;", "", "hosts/admin-ch.nix")
          admin_nl.succeed(alice("sed -i \"/^      svn = {/,/^      };/d; /^      admin-ch = {/,/^      };/s/roles = .*/roles = [ \\\"admin\\\" \\\"svn\\\" ];/\" hosts/default.nix && cat hosts/default.nix >&2"))
          log.info(admin_nl.succeed(alice("polder push --defer \"the mirror takes over\" 2>&1")))
          for machine in (admin_nl, admin_ch):
              machine.succeed("printf 'Host svn admin-ch\n  StrictHostKeyChecking accept-new\n' > /home/alice/.ssh/config")
              machine.succeed(alice("svn relocate --non-interactive svn+ssh://svn@admin-ch/fleet"))
          t.assertEqual(admin_nl.succeed(alice("svn log --quiet --revision 1:HEAD")), revisions)
          log.info(admin_nl.succeed(alice("polder reconcile 2>&1")))
          admin_ch.succeed(alice("svn update --quiet"))
          t.assertIn("nothing would change", admin_ch.succeed(alice("polder push 2>&1")))
    '';
}
