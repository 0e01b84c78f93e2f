# The repository: commits over ssh, the hook, nightly copies; and while the svn machine is gone, visitors and operators continue.
{ polderTests, ... }:

{
  name = "svn";
  globalTimeout = 600;

  inherit (polderTests) nodes;

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      URL = "${nodes.admin.polder.svn.url}"
      COPY = "${nodes.admin.polder.admin.workingCopy}"

      def alice(command):
          """As the operator alice, in the working copy."""
          return f"su - alice -c 'cd {COPY} && {command}'"

      ready(svn, admin)
      svn.wait_for_unit("polder-svn-repository.service")
      svn.wait_for_unit("sshd.service")
      admin.copy_from_host("${./data/alice}", "/home/alice/.ssh/id_ed25519")
      admin.succeed("chown -R alice /home/alice/.ssh; chmod 700 /home/alice/.ssh; chmod 600 /home/alice/.ssh/id_ed25519")
      admin.copy_from_host("${../../hosts}", "/tmp/hosts")

      with subtest("the repository is there after the first boot, and an operator checks it out"):
          admin.wait_until_succeeds(alice(f"svn checkout {URL} ."), timeout=30)

      with subtest("a fleet goes in, under the committer's name"):
          admin.succeed(alice("cp -r /tmp/hosts . && chmod -R u+w hosts && svn add --quiet hosts && svn commit --message fleet"))
          t.assertRegex(admin.succeed(alice("svn log --limit 1 --revision HEAD")), r"r1 \| alice \|")

      with subtest("what cannot be right does not, and the message helps"):
          admin.succeed(alice("echo broken IN A 192.0.2.300 >> hosts/zones/example.net.zone"))
          said = admin.fail(alice("svn commit --message zone 2>&1"))
          log.info(said)
          for words in ("hosts/zones/example.net.zone:", "192.0.2.300", "Nothing was committed"):
              t.assertIn(words, said)
          admin.succeed(alice("svn revert --quiet --recursive ."))
          admin.succeed(alice("echo } >> hosts/px-nl.nix"))
          said = admin.fail(alice("svn commit --message nix 2>&1"))
          t.assertIn("hosts/px-nl.nix:", said)
          t.assertIn("syntax error", said)
          admin.succeed(alice("svn revert --quiet --recursive ."))
          t.assertIn("r1 |", admin.succeed(alice("svn log --limit 1 --revision HEAD")))

      with subtest("a zone that includes a file of the server is refused, and nothing of it is told"):
          svn.succeed("install -m 600 -o svn -g svn /dev/null /var/lib/polder-svn/private && echo hunter2 > /var/lib/polder-svn/private")
          svn.succeed("mkfifo -m 644 /tmp/fifo")
          for file in ("/var/lib/polder-svn/private", "/etc/passwd", "/tmp/fifo", "/dev/zero"):
              admin.succeed(f"echo '$INCLUDE {file}' >> {COPY}/hosts/zones/example.net.zone")
              said = admin.fail(alice("timeout 60 svn commit --message zone 2>&1"))
              t.assertIn("lies outside of the zone's folder", said)
              t.assertNotIn("hunter2", said)
              t.assertNotIn("root:", said)
              admin.succeed(alice("svn revert --quiet --recursive ."))

      with subtest("the parsers of the hook see nothing but copies of what is committed"):
          svn.succeed("install -d -o svn -g svn /tmp/seen && echo '{}' > /tmp/seen/file")
          as_svn = "su -s /bin/sh svn -c '/etc/polder/svn/confined /tmp/seen {}'"
          svn.succeed(as_svn.format("cat /tmp/seen/file"))
          svn.fail(as_svn.format("cat /var/lib/polder-svn/private"))
          svn.fail(as_svn.format("cat /etc/passwd"))
          svn.fail(as_svn.format("touch /tmp/seen/new"))

      with subtest("the key opens the repository and nothing else"):
          said = admin.fail("su - alice -c 'ssh svn@svn id 2>&1 < /dev/null'")
          t.assertNotIn("uid=", said)
          # A forwarded port is listened on by the client; whether the server forwards shows when it is used.
          admin.succeed("su - alice -c 'ssh -N -f -L 8000:localhost:22 svn@svn'")
          admin.fail("timeout 5 nc localhost 8000 < /dev/null | grep SSH-")
          admin.fail("ssh -o BatchMode=yes svn@svn true")

      with subtest("the nightly copy is a repository with all of it, and old ones go"):
          svn.succeed("for day in $(seq -w 1 20); do install -d -o svn -g svn /var/backup/polder-svn/2001-01-$day; done")
          svn.succeed("systemctl start polder-svn-hotcopy.service")
          copies = svn.succeed("ls /var/backup/polder-svn").split()
          t.assertEqual(len(copies), ${toString nodes.svn.polder.svn.backup.keep})
          t.assertEqual(svn.succeed(f"svnlook youngest /var/backup/polder-svn/{copies[-1]}").strip(), "1")
          svn.succeed("systemctl is-active polder-svn-hotcopy.timer")

      with subtest("a reboot keeps the repository"):
          svn.shutdown()
          boot(svn)
          admin.wait_until_succeeds(alice("svn update --non-interactive | grep -F 1"), timeout=30)

      with subtest("the svn machine is gone: visitors see nothing, and the operator still has the working copy"):
          ready(web1, web2, web3)
          ready(ns1, ns2, px1, px2, client)
          wait_until("both proxies are up", lambda: all_up(ns1, ns2))
          with visiting("--gap 1s"):
              svn.crash()
              client.sleep(3)
          admin.succeed(alice("svn status; svn diff; test -e hosts/default.nix"))
          admin.fail(alice("timeout 10 svn log --revision HEAD"))
    '';
}
