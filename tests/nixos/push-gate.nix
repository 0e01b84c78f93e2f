# What a host's gate lets in and what not: asked by hand, word for word, with the deploy key and nothing else.
{ pushTests, ... }:

{
  name = "push-gate";
  globalTimeout = 600;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      start_fleet()
      admin_nl.succeed("install -m 600 /var/lib/polder-admin/keys/deploy /root/deploy")
      SSH = f"ssh -i /root/deploy -o BatchMode=yes -o StrictHostKeyChecking=accept-new polder-deploy@{ADDRESS['px-nl']}"
      before = current(PX_NL)

      def ask(request, version=1):
          return json.loads(admin_nl.succeed(f"echo {json.dumps(json.dumps(request))} | {SSH} polder {version}"))

      def lock(token):
          wanted = {"token": token, "holder": "mallory@nowhere", "location": "nowhere", "reason": "test"}
          return ask({"ask": "lock", "lock": wanted, "seconds": 60})

      def activate(token, system):
          record = {"push": "p", "kind": "push", "who": "mallory@nowhere", "revision": None, "plan": ""}
          return ask({"ask": "activate", "token": token, "system": system, "expected": before, "confirm_within": 30, "record": record})

      with subtest("it tells how the host is"):
          report = ask({"ask": "report"})
          t.assertEqual((report["host"], report["system"], report["protocol"]), ("px-nl", before, 1))

      with subtest("the deploy key opens the gate and nothing else"):
          for command in ("id", "", "sh -c id", "nix-store --serve --write", "'nix-daemon --stdio; id'", "polder status"):
              said = admin_nl.fail(f"{SSH} {command} 2>&1 < /dev/null")
              t.assertNotIn("uid=", said)
          admin_nl.fail(f"timeout 10 scp -S 'ssh -i /root/deploy' polder-deploy@{ADDRESS['px-nl']}:/etc/passwd /tmp/ 2>&1")
          admin_nl.succeed(f"{SSH.replace('ssh ', 'ssh -N -f -L 8000:localhost:22 ', 1)}")
          admin_nl.fail("timeout 5 nc localhost 8000 < /dev/null | grep SSH-")
          admin_nl.fail(f"ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new polder-deploy@{ADDRESS['px-nl']} polder 1")

      with subtest("another version of the protocol is refused by name"):
          said = admin_nl.fail(f"echo | {SSH} polder 9 2>&1")
          t.assertIn("speaks version 1", said)

      with subtest("without the lock's token nothing is done; with somebody's lock nobody else gets it"):
          t.assertIn("lock", activate("x", before)["why"])
          t.assertEqual(lock("a")["answer"], "done")
          t.assertEqual(lock("b")["holder"]["holder"], "mallory@nowhere")
          t.assertEqual(lock("b")["holder"]["token"], "")
          t.assertEqual(activate("b", before)["answer"], "locked")

      with subtest("a path that is none of the store, or that no admin has signed, is not activated"):
          for system in ("/etc", "/nix/store/../../etc", before + "/sw", "/nix/store"):
              t.assertIn("no path of the store", activate("a", system)["why"])
          why = activate("a", before)["why"]
          log.info(why)
          t.assertIn("not signed by an admin", why)
          t.assertEqual(current(PX_NL), before)

      with subtest("the store takes nothing that is not signed, and takes it once it is"):
          unsigned = admin_nl.succeed("nix build --impure --no-link --print-out-paths --expr 'derivation { name = \"unsigned\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; args = [ \"-c\" \"echo unsigned > $out\" ]; }'").strip()
          copy = f"NIX_SSHOPTS='-i /root/deploy -o BatchMode=yes' nix copy --to ssh-ng://polder-deploy@{ADDRESS['px-nl']} {unsigned} 2>&1"
          said = admin_nl.fail(copy)
          log.info(said)
          t.assertIn("signature", said)
          PX_NL.fail(f"nix-store --query --hash {unsigned}")
          admin_nl.succeed(f"nix store sign --key-file /var/lib/polder-admin/keys/signing {unsigned}")
          admin_nl.succeed(copy)
          PX_NL.succeed(f"nix-store --query --hash {unsigned}")

      with subtest("what the store takes unsigned, for its name tells its content, is not activated either"):
          admin_nl.succeed(
              "mkdir -p /tmp/forged/bin /tmp/forged/etc/polder/bin",
              "printf '#!/bin/sh\\ntouch /tmp/owned\\n' | tee /tmp/forged/bin/switch-to-configuration > /tmp/forged/etc/polder/bin/polder",
              "chmod +x /tmp/forged/bin/* /tmp/forged/etc/polder/bin/*",
          )
          forged = admin_nl.succeed("nix store add-path /tmp/forged").strip()
          admin_nl.succeed(f"NIX_SSHOPTS='-i /root/deploy -o BatchMode=yes' nix copy --to ssh-ng://polder-deploy@{ADDRESS['px-nl']} {forged}")
          answers = [activate("a", forged), ask({"ask": "rehearse", "token": "a", "system": forged})]
          log.info(str(answers))
          PX_NL.sleep(2)
          PX_NL.fail("test -e /tmp/owned")
          for answer in answers:
              t.assertIn("not signed by an admin", answer.get("why", ""))

      with subtest("a lock ends by itself, and breaking one is on record"):
          t.assertEqual(ask({"ask": "break-lock", "who": "alice@admin-nl", "why": "test"})["answer"], "done")
          entry = json.loads(PX_NL.succeed("tail -n 1 /var/lib/polder-push/ledger.jsonl"))
          t.assertEqual((entry["event"], entry["holder"], entry["from"]), ("lock-broken", "mallory@nowhere", "admin-nl"))
    '';
}
