# The example fleet: two nameservers, two proxies, three webservers, an svn server and two admin machines, in two places.
# The addresses are those kept for documentation (RFC 5737, RFC 3849). Data only: what it means is in ../modules.
{
  polder.fleet = {
    locations.nl.description = "Amsterdam";
    locations.ch.description = "Zurich";

    hosts = {
      ns-nl = {
        location = "nl";
        roles = [ "nameserver" ];
        ipv4 = "192.0.2.1";
        ipv6 = "2001:db8:1::1";
      };
      ns-ch = {
        location = "ch";
        roles = [ "nameserver" ];
        ipv4 = "198.51.100.1";
        ipv6 = "2001:db8:2::1";
      };
      px-nl = {
        location = "nl";
        roles = [ "proxy" ];
        ipv4 = "192.0.2.11";
        ipv6 = "2001:db8:1::11";
      };
      px-ch = {
        location = "ch";
        roles = [ "proxy" ];
        ipv4 = "198.51.100.11";
        ipv6 = "2001:db8:2::11";
      };
      web-1 = {
        location = "nl";
        roles = [ "backend" ];
        ipv4 = "192.0.2.21";
      };
      web-2 = {
        location = "ch";
        roles = [ "backend" ];
        ipv4 = "198.51.100.22";
      };
      web-3 = {
        location = "nl";
        roles = [ "backend" ];
        ipv4 = "192.0.2.23";
      };
      svn = {
        location = "nl";
        roles = [ "svn" ];
        ipv4 = "192.0.2.31";
      };
      admin-nl = {
        location = "nl";
        roles = [ "admin" ];
        ipv4 = "192.0.2.41";
      };
      admin-ch = {
        location = "ch";
        roles = [ "admin" ];
        ipv4 = "198.51.100.41";
      };
    };

    zones."example.net".file = ./zones/example.net.zone;

    pools."http0.l.example.net".aliases = [ "example.net" ];

    checks.web.path = "/healthz";

    cookies.sealed = {
      value = "sealed";
      key = "cookies";
    };

    services = {
      www = {
        hosts = [
          "www.example.net"
          "example.net"
        ];
        mode = "stateless";
        backends = [
          { host = "web-1"; }
          { host = "web-2"; }
        ];
        check = "web";
      };
      shop = {
        hosts = [ "shop.example.net" ];
        mode = "stateful";
        backends = [
          {
            host = "web-2";
            port = 8080;
          }
          {
            host = "web-3";
            port = 8080;
            backup = true;
          }
        ];
        check = "web";
        cookie = "sealed";
      };
    };

    sites = {
      www = {
        root = ./www/www;
        on = [
          "web-1"
          "web-2"
        ];
      };
      shop = {
        root = ./www/shop;
        on = [
          "web-2"
          "web-3"
        ];
        port = 8080;
      };
    };
  };

  # Where every host finds the keys that it needs. They are put there by hand, or by a secrets' tool, never by Nix.
  polder.keys = {
    peers = "/var/lib/polder-keys/peers";
    cookies = "/var/lib/polder-keys/cookies";
  };
}
