# What the roles bring besides the daemons: sites by nginx, other programs behind it, IPv6, https, metrics for the monitoring alone.
{
  lib,
  hostPkgs,
  polderTests,
  ...
}:

let
  pages = ../../hosts/www/www;
  newPages = ../../hosts/www/shop;

  # As an authority would give it out. It is no secret here; on a host it lies outside the store.
  certificate = hostPkgs.runCommand "certificate" { nativeBuildInputs = [ hostPkgs.openssl ]; } ''
    mkdir $out
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=pages.example.test \
      -addext subjectAltName=DNS:pages.example.test -keyout $out/key.pem -out $out/chain.pem
  '';

  fleet =
    { nodes, ... }:
    {
      polder.fleet = {
        hosts = lib.genAttrs [ "ns1" "ns2" "px1" "px2" ] (name: {
          ipv6 = nodes.${name}.networking.primaryIPv6Address;
        });
        sites.pages = {
          root = lib.mkDefault pages;
          on = [ "web1" ];
        };
        services.pages = {
          hosts = [ "pages.example.test" ];
          mode = "stateless";
          backends = [ { host = "web1"; } ];
          check = "web";
          tls.certificates = [
            {
              chain_file = "/var/lib/certificates/chain.pem";
              key_file = "/var/lib/certificates/key.pem";
            }
          ];
        };
        services.app = {
          hosts = [ "app.example.test" ];
          mode = "stateless";
          backends = [
            {
              host = "web1";
              port = 8090;
            }
          ];
          check = "web";
        };
        metricsFrom = [ nodes.admin.networking.primaryIPAddress ];
      };
      imports = [ ./data/edge-services.nix ];
    };
in
{
  name = "roles";
  globalTimeout = 600;

  nodes =
    lib.mapAttrs (_: node: {
      imports = [
        node
        fleet
      ];
    }) (removeAttrs polderTests.nodes [ "client" ])
    // {
      inherit (polderTests.nodes) client;
      web1 = {
        imports = [
          polderTests.nodes.web1
          fleet
        ];
        polder.backend.local.app = {
          port = 8090;
          upstream = "127.0.0.1:3000";
        };
        system.switch.enable = true;
        specialisation.new-pages.configuration.polder.fleet.sites.pages.root = newPages;
        services.nginx.commonHttpConfig = "log_format visitor '$remote_addr $host $request_uri'; access_log /var/log/nginx/visitors.log visitor;";
      };
    };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      def get(url, *more):
          return client.succeed(f"curl -sSf --max-time 5 {' '.join(more)} {url}")

      def through(proxy, host, path="/"):
          return get(f"http://{host}{path}", f"--connect-to {host}:80:{proxy}:80")

      ready(web1, web2, web3, admin)
      ready(ns1, ns2, px1, px2, client)
      PX1_6 = "${nodes.px1.networking.primaryIPv6Address}"

      with subtest("a site is served, through each proxy, over IPv4 and IPv6"):
          for proxy in (PX1, PX2, f"[{PX1_6}]"):
              t.assertIn("<title>example.net</title>", through(proxy, "pages.example.test"))
          t.assertIn("max-width", through(PX1, "pages.example.test", "/style.css"))

      with subtest("the nameservers answer with IPv6 addresses too, over IPv6 too"):
          wait_until(
              "AAAA are answered",
              lambda: PX1_6 in client.succeed("dig +short @${nodes.ns1.networking.primaryIPv6Address} example.test AAAA"),
          )

      with subtest("the webserver knows the visitor, by the proxies' word and nobody else's"):
          through(PX1, "pages.example.test", "/?mine")
          address = "${nodes.client.networking.primaryIPAddress}"
          web1.succeed(f"grep -F '{address} pages.example.test /?mine' /var/log/nginx/visitors.log")
          web1.succeed("curl -sSf -H 'X-Forwarded-For: 192.0.2.66' -H 'Host: pages.example.test' http://localhost/?forged")
          web1.succeed("grep -F '/?forged' /var/log/nginx/visitors.log | grep -vF 192.0.2.66")

      with subtest("a program behind nginx is a backend like any other"):
          t.assertIn("web1", client.succeed(f"curl -sSf -o /dev/null -D - --connect-to app.example.test:80:{PX1}:80 http://app.example.test/"))
          web1.succeed("systemctl stop program-app.service")
          wait_until("the check sees it down", lambda: "\"down\"" in json.dumps([s for s in status(px1)["services"] if s["name"] == "app"]))
          web1.succeed("systemctl start program-app.service")

      with subtest("a certificate that comes into its files is served over https, without a reload"):
          https = f"curl -sS --max-time 5 --cacert ${certificate}/chain.pem --connect-to pages.example.test:443:{PX1}:443 https://pages.example.test/"
          client.fail(https)
          t.assertIn("whoever needs it is refused", json.dumps(status(px1)["alarms"]))
          reloads = px1.succeed("journalctl -u polder-proxy.service | grep -c reloaded || true")
          px1.succeed("install -d -m 0750 -g polder-proxy /var/lib/certificates")
          px1.succeed("install -m 0640 -g polder-proxy ${certificate}/*.pem /var/lib/certificates")
          wait_until("https is served", lambda: "<title>example.net</title>" in client.execute(https)[1])
          t.assertNotIn("certificate", json.dumps(status(px1)["alarms"]))
          t.assertEqual(px1.succeed("journalctl -u polder-proxy.service | grep -c reloaded || true"), reloads)

      with subtest("what comes before a backend, or instead of one, is as the fleet says"):
          def ask(host, *more, path="/"):
              to = f"--connect-to {host}.example.test:80:{PX1}:80 http://{host}.example.test{path}"
              return client.succeed(f"curl -sS --max-time 5 -w '%{{http_code}}' -D - {' '.join(more)} {to}")

          moved = ask("old", path="/a?b")
          t.assertIn("301", moved[-3:])
          t.assertIn("http://pages.example.test/a?b", moved)
          t.assertIn("User-agent: *", ask("pages", path="/robots.txt"))
          t.assertIn("The manual", ask("manual"))
          t.assertIn("content-encoding: gzip", ask("manual", "--compressed -H 'Accept-Encoding: gzip'", path="/numbers.txt").lower())
          refused = ask("inside", "-H 'Accept: text/html'")
          t.assertIn("403", refused[-3:])
          t.assertIn("Come back later", refused)
          t.assertEqual([ask("slow")[-3:] for _ in range(3)], ["200", "200", "429"])
          t.assertNotEqual(ask("guarded", "-u alice:secret")[-3:], "200")
          px1.succeed("echo 'alice:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW' >/var/lib/users")
          px1.succeed("chown polder-proxy /var/lib/users && chmod 0400 /var/lib/users")
          wait_until("the users are known", lambda: ask("guarded", "-u alice:secret").endswith("200"))
          t.assertEqual(ask("guarded")[-3:], "401")
          let_in = ask("guarded", "-u alice:secret").lower()
          t.assertIn("x-service: guarded", let_in)
          t.assertNotIn("server:", let_in)

      with subtest("new pages move a link: nginx is neither reloaded nor restarted"):
          pid = web1.succeed("systemctl show --property=MainPID --value nginx.service")
          said = web1.succeed("/run/booted-system/specialisation/new-pages/bin/switch-to-configuration test 2>&1")
          t.assertNotIn("nginx", said)
          t.assertIn("<title>The shop</title>", through(PX1, "pages.example.test"))
          t.assertEqual(web1.succeed("systemctl show --property=MainPID --value nginx.service"), pid)

      with subtest("without its pages a webserver is no use, and the check says so"):
          web1.succeed("rm /etc/polder/www/pages")
          wait_until("web1 is out", lambda: "\"down\"" in json.dumps([s for s in status(px1)["services"] if s["name"] == "pages"]))
          client.fail(f"curl -sSf --max-time 5 --connect-to pages.example.test:80:{PX1}:80 http://pages.example.test/")

      with subtest("metrics are for the monitoring, and not for visitors"):
          for address, port in ((PX1, 8404), (NS1, 8453)):
              admin.succeed(f"curl -sSf --max-time 5 http://{address}:{port}/metrics | grep -F polder_")
              client.fail(f"curl -sS --max-time 2 http://{address}:{port}/metrics")

      with subtest("the monitoring asks by address or name, and a page that has turned its name to the address gets nothing"):
          for host, address, port in ((px1, PX1, 8404), (ns1, NS1, 8453)):
              for name in (host.name, f"{host.name}:{port}"):
                  admin.succeed(f"curl -sSf --max-time 5 -H 'Host: {name}' http://{address}:{port}/metrics | grep -F polder_")
              admin.fail(f"curl -sSf --max-time 5 -H 'Host: evil.example' http://{address}:{port}/status")

      with subtest("another user's demo gets between no operator and the daemons of this machine"):
          squat = "mkdir -p /tmp/polder-0/polder && mkfifo -m 666 /tmp/polder-0/polder/demo.json"
          ns1.succeed(f"su -s /bin/sh nobody -c '{squat}'")
          polder = "env -u XDG_RUNTIME_DIR timeout 20 polder --json status"
          t.assertIn("http0.l.example.test", ns1.execute(polder)[1])
          t.assertIn("is not trusted", ns1.fail(f"{polder} --demo 2>&1"))

      with subtest("`polder status` on a machine of the fleet says what it has"):
          said = ns1.execute("polder --json status")[1]
          t.assertIn("http0.l.example.test", said)
    '';
}
