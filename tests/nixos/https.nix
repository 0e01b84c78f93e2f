# Certificates that come by themselves: from a CA that asks our proxies and our nameservers, for every proxy and every nameserver, whatever breaks.
#
# The CA is Pebble, the test CA of Let's Encrypt, on a machine of its own; its resolver asks the fleet's nameservers. `www` is ordered
# by http-01, the wildcard of `pages` by dns-01.
{
  lib,
  hostPkgs,
  polderTests,
  ...
}:

let
  # The certificate of the CA's own https, and what it is checked by. No secret: it protects nothing but a test.
  ownHttps = hostPkgs.runCommand "own-https" { nativeBuildInputs = [ hostPkgs.openssl ]; } ''
    mkdir $out
    cd $out
    ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    openssl req -x509 $ec -days 3650 -subj /CN=root -addext basicConstraints=critical,CA:TRUE -keyout root.key -out root.pem
    openssl req -x509 $ec -days 3650 -subj /CN=ca -addext subjectAltName=DNS:ca -addext basicConstraints=critical,CA:FALSE \
      -CA root.pem -CAkey root.key -keyout key.pem -out chain.pem
  '';

  # Certificates are valid for so many seconds.
  pebbleConfig =
    validity:
    builtins.toJSON {
      pebble = {
        listenAddress = "0.0.0.0:14000";
        managementListenAddress = "0.0.0.0:15000";
        certificate = "${ownHttps}/chain.pem";
        privateKey = "${ownHttps}/key.pem";
        httpPort = 80;
        tlsPort = 443;
        ocspResponderURL = "";
        externalAccountBindingRequired = false;
        certificateValidityPeriod = validity;
      };
    };

  fleet = {
    polder.fleet = {
      acme = {
        terms_of_service_agreed = true;
        directory = "https://ca:14000/dir";
        ca_file = "${ownHttps}/root.pem";
      };
      encrypted_dns.names = [ "dns.example.test" ];
      services.www.tls = "acme";
      services.pages = {
        hosts = [ "*.pages.example.test" ];
        mode = "stateless";
        backends = [
          {
            host = "web1";
            port = 8080;
          }
        ];
        check = "web";
        tls.acme.challenge = "dns-01";
      };
    };
  };
in
{
  name = "https";
  globalTimeout = 600;

  nodes =
    lib.mapAttrs
      (_: node: {
        imports = [
          node
          fleet
        ];
      })
      {
        inherit (polderTests.nodes)
          ns1
          ns2
          px1
          px2
          web1
          web2
          web3
          svn
          admin
          ;
      }
    // {
      # Not started: the functions that scripts share name it.
      inherit (polderTests.nodes) client;
      ca =
        { pkgs, ... }:
        {
          # With a resolver that asks the fleet's nameservers.
          imports = [ polderTests.nodes.client ];
          environment.systemPackages = [ pkgs.openssl ];
          environment.etc."pebble/years.json".text = pebbleConfig (5 * 365 * 86400);
          environment.etc."pebble/minute.json".text = pebbleConfig 60;
          # It is started by the script, and forgets everything when it stops.
          systemd.services.pebble = {
            description = "A CA that gives certificates by ACME";
            environment = {
              PEBBLE_VA_NOSLEEP = "1";
              # Every order is to be challenged.
              PEBBLE_AUTHZREUSE = "0";
            };
            serviceConfig = {
              ExecStart = "${lib.getExe' pkgs.pebble "pebble"} -config /run/pebble.json -dnsserver 127.0.0.1:53";
              DynamicUser = true;
            };
          };
          networking.firewall.allowedTCPPorts = [ 14000 ];
        };
    };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      PAGES = "any.pages.example.test"

      def start_ca(lives):
          """A CA whose certificates live for years, or for a minute."""
          ca.succeed(f"cp /etc/pebble/{lives}.json /run/pebble.json", "systemctl start pebble.service")
          ca.wait_for_open_port(14000)
          ca.succeed("curl -sSf --cacert ${ownHttps}/root.pem --resolve ca:15000:127.0.0.1 https://ca:15000/roots/0 > /tmp/roots.pem")

      def https(proxy, name="www.example.test"):
          """The serial of the certificate that a visitor gets, if all is well with it."""
          visit = f"curl -sSf --max-time 5 --cacert /tmp/roots.pem --connect-to {name}:443:{proxy}:443 https://{name}/healthz >&2"
          look = f"openssl s_client -connect {proxy}:443 -servername {name} < /dev/null 2> /dev/null | openssl x509 -noout -serial"
          done, said = ca.execute(f"{visit} && {look}")
          return said.strip() if done == 0 else None

      def everywhere(name="www.example.test"):
          """The same, if it is the same at both proxies."""
          one, other = https(PX1, name), https(PX2, name)
          return one if one == other else None

      def over_tls(nameserver):
          """The same of the certificate that a client of DNS over TLS gets."""
          look = f"openssl s_client -connect {nameserver}:853 -servername dns.example.test -verify_hostname dns.example.test"
          done, said = ca.execute(
              f"set -o pipefail; {look} -verify_return_error -CAfile /tmp/roots.pem < /dev/null 2> /dev/null | openssl x509 -noout -serial"
          )
          return said.strip() if done == 0 else None

      def issued(host):
          lines = [line for line in metrics(host).splitlines() if line.startswith("polder_acme_orders_total") and "issued" in line]
          return sum(float(line.split()[-1]) for line in lines)

      # First: while it is not there, proxies try less and less often.
      boot(ca)
      ca.wait_for_unit("unbound.service")
      ready(web1, web2, web3)
      ready(ns1, ns2, px1, px2)

      with subtest("a new fleet serves http while the CA is not there, and says what is missing"):
          wait_until("both proxies are up", lambda: all_up(ns1, ns2))
          for proxy in (PX1, PX2):
              ca.succeed(f"curl -sSf --max-time 5 --connect-to www.example.test:80:{proxy}:80 http://www.example.test/healthz")
              ca.fail(f"curl -sS --max-time 5 -k --connect-to www.example.test:443:{proxy}:443 https://www.example.test/")
          wait_until("the alarm names the CA", lambda: "the CA cannot be reached" in json.dumps(status(px1)["alarms"]))

      with subtest("the proxy that orders crashes in the middle: the other one orders, by http-01 and by dns-01"):
          # The CA waits for its resolver, for some seconds.
          ca.succeed("systemctl kill --signal=STOP unbound.service")
          start_ca("years")
          wait_until("the CA looks", lambda: "validat" in ca.succeed("journalctl -o cat -u pebble.service").lower(), 60)
          px1.crash()
          ca.succeed("systemctl kill --signal=CONT unbound.service")
          wait_until("https is served", lambda: https(PX2), 90)
          wait_until("the wildcard too", lambda: https(PX2, PAGES), 90)
          t.assertEqual(issued(px2), 2)

      with subtest("the nameservers have answered what the proxy told them, for as long as it ordered"):
          for host in (ns1, ns2):
              said = "journalctl -u polder-dns.service | grep -F 'px2 has {}'"
              host.succeed(said.format("ACME challenges answered: _acme-challenge.pages.example.test"))
              wait_until("it is told no more", lambda: host.execute(said.format("no ACME challenge answered"))[0] == 0)
          t.assertNotIn("nameserver", json.dumps(status(px2)["alarms"]))

      with subtest("the nameservers get theirs by themselves, one of them for both, and keep it over a restart"):
          wait_until("they show one over TLS", lambda: all(map(over_tls, NAMESERVERS)), 90)
          shown = over_tls(NAMESERVERS[0])
          t.assertEqual([over_tls(server) for server in NAMESERVERS], [shown] * 2)
          orders = [certificate["acme"] for host in (ns1, ns2) for certificate in status(host, "polder-dns")["certificates"]]
          t.assertEqual([order["orderer"] for order in orders], ["ns1"] * 2)
          ns1.succeed("systemctl restart polder-dns.service")
          t.assertEqual([over_tls(server) for server in NAMESERVERS], [shown] * 2)
          files = ns1.succeed("find /var/lib/polder-dns/acme -type f -printf '%m %u %f\\n'").splitlines()
          t.assertIn("600 polder-dns dns.example.test.pem", files)

      with subtest("the proxy that crashed comes back with what the other one has, and orders nothing"):
          www, pages = https(PX2), https(PX2, PAGES)
          ready(px1)
          wait_until("both have the same", lambda: (everywhere(), everywhere(PAGES)) == (www, pages))
          t.assertEqual(issued(px1), 0)
          # What the crash had left at the nameservers ends with its start.
          wait_until(
              "nothing is answered",
              lambda: all(ca.succeed(f"dig +short @{server} _acme-challenge.pages.example.test TXT") == "" for server in NAMESERVERS),
          )

      with subtest("a proxy that is reinstalled has them again at its first ready"):
          px2.succeed("systemctl stop polder-proxy.service")
          px2.succeed("find /var/lib/polder-proxy -mindepth 1 -maxdepth 1 ! -name identity.key -exec rm -r {} +")
          px2.succeed("systemctl start polder-proxy.service")
          t.assertEqual((https(PX2), https(PX2, PAGES)), (www, pages))
          files = px2.succeed("find /var/lib/polder-proxy/acme -type f -printf '%m %u %f\\n'").splitlines()
          t.assertIn("600 polder-proxy www.pem", files)
          t.assertTrue(all(line.startswith("600 polder-proxy ") for line in files), files)

      with subtest("without its CA the fleet serves on, over a restart too"):
          ca.succeed("systemctl stop pebble.service")
          px1.succeed("systemctl restart polder-proxy.service")
          t.assertEqual((everywhere(), everywhere(PAGES)), (www, pages))

      with subtest("a CA that has forgotten the account gets a new one, and what was lost is ordered anew at once"):
          for host in (px1, px2):
              host.succeed("systemctl stop polder-proxy.service", "rm /var/lib/polder-proxy/acme/www.pem")
          for host in (px1, px2):
              host.succeed("systemctl start polder-proxy.service")
          start_ca("minute")
          wait_until("both have another one", lambda: everywhere() not in (None, www), 90)

      with subtest("renewal: before a certificate ends both proxies have the next one, and visitors notice nothing"):
          short = everywhere()
          served = lambda: {https(proxy) for proxy in (PX1, PX2)}
          seen = set()
          def renewed():
              now = served()
              seen.update(now)
              return len(now) == 1 and short not in now
          wait_until("both have the next one", renewed, 90)
          t.assertNotIn(None, seen)
    '';
}
