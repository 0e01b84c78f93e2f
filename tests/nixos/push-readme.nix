# The day in the life of an operator (docs/operating.md): every command of it, as it stands there, on the machine that it names.
{ pushTests, ... }:

{
  name = "push-readme";
  globalTimeout = 1200;

  inherit (pushTests) nodes;

  testScript =
    { nodes, ... }:
    pushTests.prelude nodes
    + ''
      import re
      import shlex

      OPERATING = ${builtins.toJSON (builtins.readFile ../../docs/operating.md)}

      def commands():
          """Where each command is typed, in which folder, and what it is."""
          day = re.split(r"^##+ ", OPERATING.split("## A day in the life of an operator\n")[1], flags=re.MULTILINE)[0]
          return re.findall(r"^alice@([a-z-]+):(\S+)\$ (.+)$", day, flags=re.MULTILINE)

      def fall():
          """How patient the proxies are."""
          documents = [json.loads(m.succeed("cat /etc/polder/proxy.json")) for m in (PX_NL, PX_CH)]
          patience = {document["services"]["www"]["check"]["fall"] for document in documents}
          t.assertEqual(len(patience), 1)
          return patience.pop()

      def shop_fails_over():
          NAMES["web-2"].crash()
          wait_until("the shop is on its backup", lambda: all("web-3" == active(proxy) for proxy in (PX_NL, PX_CH)))
          boot(NAMES["web-2"])
          wait_until("web-2 is up again", lambda: all(up(proxy, "web-2") for proxy in (PX_NL, PX_CH)))

      def shop(proxy):
          return next(service for service in status(proxy)["services"] if service["name"] == "shop")

      def active(proxy):
          return shop(proxy)["latch"]["active"]

      def up(proxy, backend):
          return [b["check"] for b in shop(proxy)["backends"] if b["name"] == backend] == ["up"]

      def svn_goes_down():
          svn.crash()
          edit(admin_nl, "hostmaster ( 1 ", "hostmaster ( 2 ", "hosts/zones/example.test.zone")
          admin_nl.succeed(alice("echo \"night IN CNAME http0.l\" >> hosts/zones/example.test.zone"))

      def svn_comes_back():
          boot(svn)
          admin_nl.wait_until_succeeds(alice("timeout 10 svn info --show-item revision --revision HEAD"), timeout=60)

      def admin_goes_down():
          admin_ch.succeed(alice("svn update --quiet"))
          edit(admin_ch, "fall = 4", "fall = 5")
          admin_ch.succeed(alice("svn commit --quiet --message \"more patience\""))
          admin_nl.crash()

      def admin_comes_back():
          t.assertEqual(fall(), 5)
          boot(admin_nl)

      # What happens before a command, in the words of the page around it.
      before = {
          "polder failback": shop_fails_over,
          "polder push --skip svn": svn_goes_down,
          "polder reconcile": svn_comes_back,
          "svn update && polder push --skip admin-nl": admin_goes_down,
          "polder rollback": admin_comes_back,
      }

      start_fleet()
      admin_nl.succeed(alice("polder push 2>&1"))
      t.assertEqual(fall(), 3)
      typed = commands()
      t.assertGreater(len(typed), 10)
      for name, folder, command in typed:
          for beginning in [one for one in before if command.startswith(one)]:
              before.pop(beginning)()
          with subtest(f"{name}: {command}"):
              typed_there = shlex.quote(f"cd {folder} && {command}")
              log.info(NAMES[name].succeed(f"su - alice -c {typed_there} 2>&1"))
      t.assertEqual(list(before), [], "commands that the page has no more")
      t.assertEqual(fall(), 4)
    '';
}
