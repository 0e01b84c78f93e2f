# The mirror of the repository: it follows, refuses commits, and becomes the repository when the svn machine is lost.
{
  lib,
  pkgs,
  polderTests,
  ...
}:

let
  keyOf = file: lib.concatStringsSep " " (lib.take 2 (lib.splitString " " (lib.fileContents file)));
  alice = lib.fileContents ./data/alice.pub;
in
{
  name = "svn-mirror";
  globalTimeout = 600;

  # All of the fleet know each other's addresses; three of them are started.
  nodes = polderTests.nodes // {
    svn = {
      imports = [ polderTests.nodes.svn ];
      polder.svn.readers.mirror = keyOf ./push/keys/mirror.pub;
    };
    # A host of another role, in the other place.
    web3 = {
      imports = [ polderTests.nodes.web3 ];
      polder.fleet.hosts.svn.hostKey = keyOf ./push/keys/host.pub;
      polder.svnMirror.enable = true;
      polder.svn.users.alice.keys = [ alice ];
    };
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      URL = "${nodes.admin.polder.svn.url}"
      MIRROR = "svn+ssh://svn@web3/fleet"
      REPOSITORY = "/var/lib/polder-svn/fleet"
      COPY = "${nodes.admin.polder.admin.workingCopy}"

      def alice(command):
          """As the operator alice, in the working copy."""
          return f"su - alice -c 'cd {COPY} && {command}'"

      def youngest(machine):
          return int(machine.succeed(f"svnlook youngest {REPOSITORY}"))

      def commit(text):
          return admin.succeed(alice(f"echo {text} >> notes && svn commit --message {text} && svn update --quiet"))

      def follow():
          web3.succeed("systemctl start polder-svn-mirror.service")

      boot(svn, web3, admin)
      svn.wait_for_unit("polder-svn-repository.service")
      put(svn, "${./push/keys/host}", "/etc/ssh/ssh_host_ed25519_key", "root:root", "600")
      put(svn, "${./push/keys/host.pub}", "/etc/ssh/ssh_host_ed25519_key.pub", "root:root", "644")
      svn.succeed("systemctl restart sshd.service")
      put(admin, "${./data/alice}", "/home/alice/.ssh/id_ed25519", "alice", "600")
      admin.succeed("chown -R alice /home/alice/.ssh; chmod 700 /home/alice/.ssh")
      admin.wait_until_succeeds(alice(f"svn checkout {URL} ."), timeout=30)
      admin.succeed(alice("touch notes && svn add --quiet notes"))
      commit("one")

      with subtest("before the svn machine knows its key the mirror has made one and says which, and no unit fails"):
          follow()
          made = web3.succeed("${lib.getExe' pkgs.openssh "ssh-keygen"} -y -f /var/lib/polder-svn-mirror/key").split()[1]
          t.assertIn(made, web3.succeed("journalctl --no-pager --unit polder-svn-mirror.service"))
          t.assertEqual(web3.succeed("stat --format '%U %a' /var/lib/polder-svn-mirror/key").strip(), "svn 600")
          t.assertIn("never synced", web3.fail("polder-svn-promote 2>&1"))

      with subtest("known there, the mirror has everything, under the same authors and identity"):
          put(web3, "${./push/keys/mirror}", "/var/lib/polder-svn-mirror/key", "svn:svn", "600")
          follow()
          t.assertEqual(youngest(web3), 1)
          t.assertEqual(web3.succeed(f"svnlook author {REPOSITORY}").strip(), "alice")
          t.assertEqual(web3.succeed(f"svnlook uuid {REPOSITORY}"), svn.succeed(f"svnlook uuid {REPOSITORY}"))

      with subtest("it follows by itself, and a commit is noted in the svn machine's journal"):
          commit("two")
          web3.succeed("systemctl is-active polder-svn-mirror.timer")
          retry(lambda _: youngest(web3) == 2, 90)
          t.assertIn("r2 by alice", svn.succeed("journalctl --no-pager --identifier polder-svn"))

      with subtest("the mirror's key reads and does not commit"):
          said = web3.fail(
              "SVN_SSH='ssh -i /var/lib/polder-svn-mirror/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null' "
              f"svn mkdir --non-interactive --message no {URL}/no 2>&1"
          )
          log.info(said)
          t.assertEqual(youngest(svn), 2)

      with subtest("the mirror takes no commits, and says where they belong"):
          said = admin.fail(alice(f"svn mkdir --message no {MIRROR}/no 2>&1"))
          log.info(said)
          t.assertIn(f"this is a mirror of {URL}: commit there", said)
          admin.fail(alice(f"svn propset --revprop --revision 1 svn:log no {MIRROR}"))
          web3.fail(f"runuser --user svn -- svn mkdir --message no file://{REPOSITORY}/no")
          t.assertEqual(youngest(web3), 2)

      with subtest("while the svn machine lives nobody promotes the mirror by mistake"):
          t.assertIn("still answers", web3.fail("polder-svn-promote 2>&1"))
          commit("three")
          follow()
          t.assertEqual(youngest(web3), 3)

      history = admin.succeed(alice("svn log --verbose --revision 1:HEAD"))

      with subtest("the svn machine is lost: the mirror stays as it is, and no unit fails"):
          svn.crash()
          follow()
          t.assertEqual(youngest(web3), 3)
          web3.fail("systemctl is-failed polder-svn-mirror.service")

      with subtest("promoted, it is the repository: all history, and commits"):
          log.info(web3.succeed("polder-svn-promote"))
          admin.succeed(alice(f"svn relocate {MIRROR}"))
          t.assertEqual(admin.succeed(alice("svn log --verbose --revision 1:HEAD")), history)
          commit("four")
          t.assertEqual(youngest(web3), 4)
          t.assertIn("r4 by alice", web3.succeed("journalctl --no-pager --identifier polder-svn"))

      with subtest("its hook is at work, and it follows nobody any more"):
          admin.succeed(alice("echo } > broken.nix && svn add --quiet broken.nix"))
          t.assertIn("broken.nix:", admin.fail(alice("svn commit --message broken 2>&1")))
          web3.fail("systemctl is-active polder-svn-mirror.timer")
          follow()
          t.assertEqual(youngest(web3), 4)
          t.assertIn("promoted", web3.fail("polder-svn-promote 2>&1"))
    '';
}
