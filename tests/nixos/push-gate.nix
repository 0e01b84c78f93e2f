# What the gate of a host accepts and refuses: requests written by hand, with a deploy key, with and without a signing key.
{ pkgs, pushTests, ... }:

{
  name = "push-gate";
  globalTimeout = 600;

  nodes = pushTests.nodes // {
    admin-nl = {
      imports = [ pushTests.nodes.admin-nl ];
      environment.systemPackages = [ pkgs.openssl ];
    };
  };

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      import shlex

      start_fleet()
      admin_nl.succeed("install -m 600 /var/lib/polder-admin/keys/deploy /root/deploy")
      SSH = f"ssh -i /root/deploy -o BatchMode=yes -o StrictHostKeyChecking=accept-new polder-deploy@{ADDRESS['px-nl']}"
      SIGNING = "/var/lib/polder-admin/keys/signing"
      RECORD = {"push": "p", "kind": "push", "who": "mallory@nowhere", "revision": None, "plan": ""}
      before = current(PX_NL)

      def line(text, verb="", machine=admin_nl, ssh=SSH):
          """Says one line to the gate, and has its answer."""
          return json.loads(machine.succeed(f"echo {shlex.quote(text)} | {ssh} polder 2 {verb}"))

      def ask(question, verb=""):
          return line(json.dumps(question), verb)

      def sign(instruction, host="px-nl", key=SIGNING, ahead=60, verb="", **fields):
          """An instruction as a pusher signs it, made with openssl: the private key is 32 bytes behind a name."""
          clock = ask({"ask": "clock"}, verb)
          counter = max(clock["now"], clock["counter"] + 1)
          text = json.dumps({"host": host, "counter": counter, "expires": clock["now"] + 1000 * ahead, "instruction": instruction, **fields})
          admin_nl.succeed(
              f"(printf '\\x30\\x2e\\x02\\x01\\x00\\x30\\x05\\x06\\x03\\x2b\\x65\\x70\\x04\\x22\\x04\\x20'; cut -d: -f2 {key} | base64 -d | head -c 32) > /root/key.der",
              f"(echo 'polder manifest 1'; printf %s {shlex.quote(text)}) > /root/text",
          )
          made = admin_nl.succeed("openssl pkeyutl -sign -rawin -inkey /root/key.der -keyform DER -in /root/text | base64 -w0").strip()
          name = admin_nl.succeed(f"cut -d: -f1 {key}").strip()
          return f"{name}:{made} {text}"

      def tell(instruction, **how):
          return line(sign(instruction, **how))

      def lock(token):
          wanted = {"token": token, "holder": "mallory@nowhere", "location": "nowhere", "reason": "test"}
          return {"do": "lock", "lock": wanted, "seconds": 60}

      RAN_BEFORE = {"ran-before": {"old_keys": False}}

      def activate(token, system, origin=RAN_BEFORE):
          return {"do": "activate", "token": token, "target": {"system": system, "origin": origin}, "expected": before, "confirm_within": 30, "record": RECORD}

      with subtest("it tells how the host is"):
          report = ask({"ask": "report"})
          t.assertEqual((report["host"], report["system"], report["protocol"]), ("px-nl", before, 2))

      with subtest("the deploy key opens the gate and nothing else"):
          for command in ("id", "", "sh -c id", "nix-store --serve --write", "'nix-daemon --stdio'", "'nix-daemon --stdio; id'", "polder status", "polder 2 relay polder-proxy", "polder 1"):
              said = admin_nl.fail(f"{SSH} {command} 2>&1 < /dev/null")
              t.assertNotIn("uid=", said)
          admin_nl.fail(f"timeout 10 scp -S 'ssh -i /root/deploy' polder-deploy@{ADDRESS['px-nl']}:/etc/passwd /tmp/ 2>&1")
          admin_nl.succeed(f"{SSH.replace('ssh ', 'ssh -N -f -L 8000:localhost:22 ', 1)}")
          admin_nl.fail("timeout 5 nc localhost 8000 < /dev/null | grep SSH-")
          admin_nl.fail(f"ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new polder-deploy@{ADDRESS['px-nl']} polder 2")

      with subtest("from another machine than its own the deploy key opens nothing"):
          put(admin_ch, "${./push/keys}/deploy-nl", "/root/stolen", "root", "600")
          stolen = f"ssh -i /root/stolen -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new polder-deploy@{ADDRESS['px-nl']}"
          said = admin_ch.fail(f"echo '{{\"ask\":\"report\"}}' | {stolen} polder 2 2>&1")
          t.assertIn("Permission denied", said)
          client.fail(f"timeout 5 nc {ADDRESS['px-nl']} 22 < /dev/null | grep SSH-")

      with subtest("another version of the protocol is refused by name"):
          said = admin_nl.fail(f"echo | {SSH} polder 9 2>&1")
          t.assertIn("speaks version 2", said)

      with subtest("what changes the host is refused unless it is signed"):
          for instruction in (lock("x"), {"do": "unlock", "token": "x"}, {"do": "break-lock", "who": "a", "why": "b"}, activate("x", before), {"do": "confirm", "token": "x", "push": "p"}, {"do": "key", "token": "x", "name": "cookies", "change": {"change": "add", "key": SECRET}}):
              t.assertIn("has to be signed", ask(instruction)["why"])
          word = {"do": "tell", "daemon": "polder-proxy", "target": "/operator", "body": "{}"}
          t.assertIn("has to be signed", ask(word, "daemon")["why"])
          t.assertNotIn("lock", ask({"ask": "report"})["lock"] or {})

      with subtest("a signature is for one host, one time, and by a key that the fleet names"):
          t.assertIn("signed for px-ch", tell(lock("a"), host="px-ch")["why"])
          t.assertEqual(tell(lock("a"), ahead=-1)["answer"], "stale")
          t.assertEqual(tell(lock("a"), ahead=3600)["answer"], "stale")
          t.assertEqual(tell(lock("a"), counter=2**64 - 1)["answer"], "stale")
          once = sign(lock("a"))
          t.assertEqual(line(once)["answer"], "done")
          t.assertIn("used already", line(once)["why"])
          admin_nl.succeed("nix key generate-secret --extra-experimental-features nix-command --key-name admin-old-1 > /root/revoked")
          t.assertIn("not a key of this fleet", tell(activate("a", before), key="/root/revoked")["why"])
          # Under a name that the fleet knows.
          admin_nl.succeed(f"echo \"$(cut -d: -f1 {SIGNING}):$(cut -d: -f2 /root/revoked)\" > /root/renamed")
          t.assertIn("does not match", tell(activate("a", before), key="/root/renamed")["why"])
          t.assertEqual(current(PX_NL), before)

      with subtest("without the lock's token nothing is done; with somebody's lock nobody else gets it"):
          t.assertEqual(tell(activate("x", before))["answer"], "locked")
          t.assertEqual(tell(lock("b"))["holder"]["holder"], "mallory@nowhere")
          t.assertEqual(tell(lock("b"))["holder"]["token"], "")

      with subtest("a path that is none of the store, that never ran here, or whose contents differ, is not activated"):
          for system in ("/etc", "/nix/store/../../etc", before + "/sw", "/nix/store"):
              t.assertIn("not a store path", tell(activate("a", system))["why"])
          t.assertIn("never ran here", tell(activate("a", before))["why"])
          t.assertIn("differ from what was signed", tell(activate("a", before, {"copied": "0" * 64}))["why"])
          t.assertEqual(current(PX_NL), before)

      FORGED = "/tmp/forged"
      with subtest("a system that anybody could have put into the store is neither read nor run"):
          PX_NL.succeed(
              f"mkdir -p {FORGED}/bin {FORGED}/etc/polder/bin {FORGED}/etc/systemd/system",
              f"printf '#!/bin/sh\\ntouch /tmp/owned\\n' | tee {FORGED}/bin/switch-to-configuration > {FORGED}/etc/polder/bin/polder",
              f"chmod +x {FORGED}/bin/* {FORGED}/etc/polder/bin/*",
              f"echo '{{\"zones\":{{\"shadow\":{{\"file\":\"/etc/shadow\"}},\"keys\":{{\"file\":\"/var/lib/polder-keys/cookies\"}}}}}}' > {FORGED}/etc/polder/dns.json",
              f"ln -s /etc/ssh/ssh_host_ed25519_key {FORGED}/etc/systemd/system/hostkey.service",
              f"ln -s /dev/zero {FORGED}/etc/polder/proxy.json",
          )
          forged = PX_NL.succeed(f"nix store add-path --extra-experimental-features nix-command {FORGED}").strip()
          reply = ask({"ask": "running", "system": forged})
          t.assertIn("never ran here", reply["why"])
          answers = [tell(activate("a", forged)), tell(activate("a", forged, {"copied": "0" * 64})), tell({"do": "rehearse", "token": "a", "target": {"system": forged, "origin": RAN_BEFORE}})]
          log.info(str(answers))
          PX_NL.sleep(2)
          PX_NL.fail("test -e /tmp/owned")
          for answer in answers:
              t.assertRegex(answer.get("why", ""), "never ran here|differ from what was signed")

      with subtest("what runs here is told, and of it only what lies in the store"):
          running = ask({"ask": "running"})
          t.assertIn("proxy.json", running["documents"])
          t.assertIn("polder-proxy.service", running["units"])

      with subtest("the upload takes nothing that no admin signed, and the store's own protocol is closed: nothing is built, nothing read"):
          header = {"path": "/nix/store/00000000000000000000000000000000-x", "nar_hash": "0" * 52, "nar_size": 3, "references": [], "signature": "admin-nl-1:AAAA"}
          reply = json.loads(admin_nl.succeed(f"(echo {shlex.quote(json.dumps(header))}; printf nar; echo end) | {SSH} polder 2 upload"))
          t.assertIn("is rejected", reply["why"])
          t.assertEqual(PX_NL.succeed("ls /var/spool/polder-deploy").split(), [])
          store = "NIX_SSHOPTS='-i /root/deploy -o BatchMode=yes' timeout 60 nix --extra-experimental-features 'nix-command flakes'"
          remote = f"ssh-ng://polder-deploy@{ADDRESS['px-nl']}"
          derivation = "derivation { name = \"owned\"; system = \"${pkgs.stdenv.hostPlatform.system}\"; builder = \"/bin/sh\"; args = [ \"-c\" \"id > $out\" ]; }"
          admin_nl.fail(f"{store} build --store {remote} --impure --no-link --expr {shlex.quote(derivation)} 2>&1")
          admin_nl.fail(f"{store} copy --to {remote} {before} 2>&1")
          admin_nl.fail(f"{store} store cat --store {remote} {before}/etc/polder/proxy.json 2>&1")

      with subtest("the relay asks daemons what the verbs ask, as a user of its own, and hands over nothing"):
          reply = ask({"ask": "look", "daemon": "polder-proxy", "target": "/status"}, "daemon")
          t.assertEqual((reply["status"], json.loads(reply["body"])["name"]), (200, "px-nl"))
          for target in ("/takeover", "/sockets", "/metrics", "/status HTTP/1.1\r\nX: y", "//status"):
              t.assertIn("does not relay this request", ask({"ask": "look", "daemon": "polder-proxy", "target": target}, "daemon")["why"])
          takeover = sign({"do": "tell", "daemon": "polder-proxy", "target": "/takeover", "body": ""}, verb="daemon")
          t.assertIn("does not relay this request", line(takeover, "daemon")["why"])
          pid = PX_NL.get_unit_property("polder-proxy.service", "MainPID")
          t.assertIn("polder-proxy", PX_NL.succeed(f"readlink /proc/{pid}/exe"))
          client.succeed(f"curl -sS --fail --max-time 5 -H 'Host: www.example.test' http://{ADDRESS['px-nl']}/")
          word = {"subject": "www/web-1", "state": "drain", "who": "alice@admin-nl", "why": "test"}
          reply = line(sign({"do": "tell", "daemon": "polder-proxy", "target": "/operator", "body": json.dumps(word)}, verb="daemon"), "daemon")
          t.assertEqual(reply["status"], 200, reply)

      with subtest("a request that is too long, or none, ends by itself"):
          said = admin_nl.execute(f"(head -c 3000000 /dev/zero | tr '\\0' a) | {SSH} polder 2 2>&1")[1]
          t.assertIn("more than 1048576 bytes", said)
          long = json.dumps({"ask": "running", "system": "/nix/store/" + "a" * 20000})
          t.assertIn("a question of more than", line(long)["why"])

      with subtest("breaking a lock is on record, with the key that signed it"):
          t.assertEqual(tell({"do": "break-lock", "who": "alice@admin-nl", "why": "test"})["answer"], "done")
          entry = json.loads(PX_NL.succeed("tail -n 1 /var/lib/polder-push/ledger.jsonl"))
          t.assertEqual((entry["event"], entry["holder"], entry["from"], entry["signed_by"]), ("lock-broken", "mallory@nowhere", "admin-nl", "admin-nl-1"))
    '';
}
