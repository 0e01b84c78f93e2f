# What an attacker can do with a deploy key alone, a peer's key alone, a local account alone, and as any visitor. The log lists each attempt
# and its result: nothing beyond what docs/security.md says.
{ pushTests, ... }:

{
  name = "attacker";
  globalTimeout = 600;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      import shlex

      start_fleet()
      NS, PX, WEB = ADDRESS["ns-nl"], ADDRESS["px-nl"], ADDRESS["web-1"]
      before = systems()
      TOUR: list[tuple[str, str, str]] = []

      def got(who, tried, said):
          """Notes what an attempt got."""
          TOUR.append((who, tried, " ".join(str(said).split())[:110] or "nothing"))

      def refused(who, tried, machine, command):
          """An attempt that has to fail."""
          code, said = machine.execute(f"{command} 2>&1 < /dev/null", timeout=60)
          t.assertNotEqual(code, 0, f"{who}: {tried}: {said}")
          for secret in ("PRIVATE KEY", SECRET[:20], "root:x:"):
              t.assertNotIn(secret, said)
          got(who, tried, said)

      with subtest("a visitor"):
          who = "visitor"
          for machine, port in (("px-nl", 22), ("px-nl", 8404), ("px-nl", 8405), ("ns-nl", 22), ("ns-nl", 8453), ("ns-nl", 8454), ("web-1", 8080)):
              refused(who, f"{machine}:{port}", client, f"timeout 3 nc -z {ADDRESS[machine]} {port}")
          refused(who, "a zone transfer", client, f"dig @{NS} example.test AXFR +tcp +time=3 +tries=1 | grep -q 'IN.*SOA'")
          # One address opens as many connections as the proxy takes at all, and says nothing: readiness is answered all the same.
          client.succeed(
              f"systemd-run --unit=silent bash -c 'for i in $(seq 3000); do exec {{fd}}<>/dev/tcp/{PX}/80 || true; done; sleep 600'"
          )
          client.sleep(3)
          client.succeed(f"curl -sS --fail --max-time 5 http://{PX}/.polder/ready")
          NS_NL.sleep(3)
          t.assertIn(PX, answered("ns-nl"))
          got(who, "3000 silent connections", "the proxy is ready, and in DNS")
          client.succeed("systemctl stop silent")
          # Queries as a forger would send them, faster than any resolver: most are not answered.
          question = "printf '\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\7example\\4test\\0\\0\\6\\0\\1'"
          client.succeed(f"bash -c 'exec 3>/dev/udp/{NS}/53; for i in $(seq 5000); do {question} >&3; done'")
          said = NS_NL.succeed("curl -sS --unix-socket /run/polder-dns/admin.sock http://localhost/metrics | grep ^polder_responses_rate_limited_total")
          t.assertRegex(said, r"[1-9]\d*\n", said)
          got(who, "5000 queries at once", said)
          page = client.execute(f"curl -sS -o /dev/null -w '%{{http_code}}' --path-as-is http://{PX}/.polder/../etc/passwd -H 'Host: www.example.test'")[1]
          t.assertIn(page, ("400", "404"))
          got(who, "/.polder/../etc/passwd", page)

      with subtest("a local account on a proxy"):
          who = "local account"
          nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups --"
          for path in ("/var/lib/polder-keys/cookies", "/var/lib/polder-proxy/identity.key", "/var/lib/polder-push/ledger.jsonl", "/var/spool/polder-deploy", "/var/lib/polder-relay", "/etc/ssh/ssh_host_ed25519_key"):
              refused(who, f"read {path}", PX_NL, f"{nobody} cat {path} {path}/*")
          refused(who, "the proxy's admin socket", PX_NL, f"{nobody} curl -sS --max-time 5 --unix-socket /run/polder-proxy/admin.sock http://localhost/status")
          for socket in ("socket", "signed", "relay"):
              refused(who, f"the gate's {socket}", PX_NL, f"{nobody} curl -sS --max-time 5 --unix-socket /run/polder-gate/{socket} http://localhost/")
          # What a demo of the same name would leave: root's command neither believes nor waits for it.
          PX_NL.succeed(f"{nobody} bash -c 'mkdir -p /tmp/polder-0/polder && mkfifo /tmp/polder-0/polder/demo.json'")
          code, status_text = PX_NL.execute("env -u XDG_RUNTIME_DIR timeout 20 polder status 2>&1")
          t.assertNotEqual(code, 124, "it waits for a FIFO of somebody else")
          t.assertIn("px-nl", status_text)
          got(who, "a demo's file for root's polder", "root asks this host's own daemon")
          refused(who, "a flake for root's polder", PX_NL, f"{nobody} bash -c 'mkdir -p /tmp/trap && echo {{}} > /tmp/trap/flake.nix'; cd /tmp/trap && timeout 20 polder check --offline .")
          refused(who, "the store's daemon", PX_NL, f"{nobody} nix-store --store daemon --query --requisites /run/current-system")

      with subtest("a deploy key"):
          who = "deploy key"
          admin_nl.succeed("install -m 600 /var/lib/polder-admin/keys/deploy /root/deploy")
          ssh = f"ssh -i /root/deploy -o BatchMode=yes -o StrictHostKeyChecking=accept-new polder-deploy@{PX}"
          report = json.loads(admin_nl.succeed(f"echo '{{\"ask\": \"report\"}}' | {ssh} polder 2"))
          t.assertEqual(report["host"], "px-nl")
          got(who, "how the host is", f"told: {report['system']}")
          for command in ("id", "cat /etc/shadow", "'nix-daemon --stdio'", "nix-store --serve --write", "polder status"):
              refused(who, command, admin_nl, f"{ssh} {command}")
          for asked in ({"ask": "running", "system": "/etc"}, {"ask": "look", "daemon": "polder-proxy", "target": "/takeover"}, {"do": "lock", "lock": {"token": "x", "holder": "x", "location": "x", "reason": "x"}, "seconds": 60}, {"do": "confirm", "token": "x", "push": "p"}):
              verb = "daemon" if asked.get("ask") == "look" else ""
              reply = json.loads(admin_nl.succeed(f"echo {shlex.quote(json.dumps(asked))} | {ssh} polder 2 {verb}"))
              t.assertEqual(reply["answer"], "refused", asked)
              got(who, json.dumps(asked), reply["why"])
          put(client, "${./push/keys}/deploy-nl", "/root/deploy", "root", "600")
          refused(who, "from another machine", client, f"timeout 10 ssh -i /root/deploy -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=accept-new polder-deploy@{PX} polder 2")

      with subtest("a peer's key"):
          who = "peer's key"
          # A proxy of the attacker's own, with px-ch's name and key, from an address that is not px-ch's.
          put(client, "${./data/identities}/px-ch", "/root/identity.key", "root", "400")
          document = json.loads(PX_CH.succeed("cat /etc/polder/proxy.json"))
          document.update(listeners=[{"name": "http", "address": "127.0.0.1:8080"}], state_dir="/root/rogue", admin={"socket": "/root/rogue/admin.sock"})
          document["peers"].update(key_file="/root/identity.key", listen=f"{ADDRESS['client']}:8405")
          document["services"]["shop"]["cookie"] = {"value": "address"}
          client.succeed(
              "mkdir -p /root/rogue",
              f"echo {shlex.quote(json.dumps(document))} > /root/rogue.json",
              "systemd-run --unit=rogue $(dirname $(readlink -f $(command -v polder)))/polder-proxy --config /root/rogue.json",
          )
          client.wait_for_file("/root/rogue/admin.sock")
          client.wait_until_succeeds("curl -sS --max-time 5 --unix-socket /root/rogue/admin.sock http://localhost/status", timeout=60)
          active = status(PX_NL)["services"]
          word = {"subject": "www/web-1", "state": "maint", "who": "mallory", "why": "test", "force": True}
          client.succeed(f"curl -sS --unix-socket /root/rogue/admin.sock http://localhost/operator -d {shlex.quote(json.dumps(word))}")
          client.sleep(4)
          for mine, theirs in zip(active, status(PX_NL)["services"]):
              t.assertEqual([b["operator"] for b in mine["backends"]], [b["operator"] for b in theirs["backends"]])
          got(who, "px-ch's words from another address", "nobody hears them")
          client.succeed("systemctl stop rogue")

      with subtest("nothing was changed by any of it"):
          t.assertEqual(before, systems())
          with visiting("--gap 1s"):
              client.sleep(3)
          for row in TOUR:
              log.info("%-13s  %-50.50s  %s" % row)
    '';
}
