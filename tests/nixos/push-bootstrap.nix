# The first system of a host, from a machine that an operator can only log in to as root to one that accepts pushes; and the keys of an
# admin machine.
{ pkgs, pushTests, ... }:

let
  # With another bus, which no switch may change.
  changed = pkgs.writeText "web-3.nix" ''
    {
      polder.backend.local.shop.port = 8081;
      services.dbus.implementation = "dbus";
    }
  '';
in
{
  name = "push-bootstrap";
  globalTimeout = 600;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      with subtest("an admin machine makes its keys, never twice, and prints what the fleet needs to know of them"):
          boot(admin_nl)
          said = admin_nl.succeed("polder keys make 2>&1")
          log.info(said)
          for words in ("deployKeys", "signingKeys", "ssh-ed25519 "):
              t.assertIn(words, said)
          t.assertEqual(admin_nl.succeed("stat -c %U:%G:%a /var/lib/polder-admin/keys/signing").strip(), "polder-admin:polder-admin:640")
          before = admin_nl.succeed("sha256sum /var/lib/polder-admin/keys/*")
          admin_nl.execute("polder keys make")
          t.assertEqual(before, admin_nl.succeed("sha256sum /var/lib/polder-admin/keys/*"))

      # Those that the fleet of the test knows.
      fill_working_copy()
      fresh = NAMES["web-3"]
      boot(fresh)
      know_host_key(fresh)
      know_host_key(admin_nl)
      # Nothing of the fleet is on it yet, and its operator has root by a key.
      fresh.succeed("systemctl stop polder-gate.socket && rm -rf /run/polder-gate /var/lib/polder-push")
      public = admin_nl.succeed("ssh-keygen -y -f /home/alice/.ssh/id_ed25519").strip()
      fresh.succeed(f"mkdir -p /root/.ssh && echo '{public}' > /root/.ssh/authorized_keys && chmod 700 /root/.ssh")
      old = current(fresh)

      with subtest("a host that answers under another key than was stated is not touched"):
          other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZCPN3yTGuDqMMJDlV/R9aAzYyl/61t46RYWLpcLoYb"
          said = admin_nl.fail(alice(f"polder bootstrap web-3 --host-key \"{other}\" 2>&1"))
          log.info(said)
          t.assertEqual(old, current(fresh))

      with subtest("bootstrap installs it, and from then on it takes pushes"):
          key = fresh.succeed("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub").strip()
          said = admin_nl.succeed(alice(f"polder bootstrap web-3 --host-key \"{key}\" 2>&1"))
          log.info(said)
          t.assertIn("its gate answers", said)
          t.assertNotEqual(old, current(fresh))
          t.assertEqual(fresh.succeed("readlink -f /nix/var/nix/profiles/system").strip(), current(fresh))
          skip = " ".join(f"--skip {name}" for name in NAMES if name not in ("web-3", "admin-nl", "client"))
          said = admin_nl.succeed(alice(f"polder push --only web-3 {skip} 2>&1"))
          t.assertIn("nothing would change", said)

      with subtest("a system that cannot be switched to becomes the boot default, and with --reboot the machine restarts into it"):
          old = current(fresh)
          put(admin_nl, "${changed}", f"{COPY}/hosts/web-3.nix", "alice", "644")
          said = admin_nl.fail(alice(f"polder bootstrap web-3 --host-key \"{key}\" 2>&1"))
          log.info(said)
          t.assertIn("use --reboot", said)
          t.assertEqual(old, current(fresh))
          new = fresh.succeed("readlink -f /nix/var/nix/profiles/system").strip()
          t.assertNotEqual(old, new)
          said = admin_nl.succeed(alice(f"polder bootstrap web-3 --reboot --host-key \"{key}\" 2>&1"))
          log.info(said)
          t.assertIn(f"web-3 runs {new}, and its gate answers", said)
          # Its shell ended with the restart: a new one comes with another.
          fresh.reboot()
          fresh.wait_for_unit("multi-user.target")
          t.assertEqual(new, current(fresh))
    '';
}
