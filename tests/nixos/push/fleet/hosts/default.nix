# The fleet of the push tests: as the example's, at the addresses that the test's network gives, its times scaled.
let
  # One for all machines of a test.
  hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHHjuRqmDiqFzZ+/GJg+Ink93bYwDcEPXwkc/rqLec5s";
  # As in `polder drill`, a little slower because whole machines share the processors.
  fast = {
    interval = "300ms";
    timeout = "250ms";
    fall = 3;
    rise = 2;
  };
in
{
  polder.fleet = {
    locations.nl.description = "Amsterdam";
    locations.ch.description = "Zurich";

    hosts = {
      ns-nl = {
        location = "nl";
        roles = [ "nameserver" ];
        ipv4 = "192.168.1.5";
        inherit hostKey;
        peerKeys.nameserver = [ "3PIiUqiJE+SG6CergejR3FinIruF3vsAEv3pg2r3zDs=" ];
      };
      ns-ch = {
        location = "ch";
        roles = [ "nameserver" ];
        ipv4 = "192.168.1.4";
        inherit hostKey;
        peerKeys.nameserver = [ "KtViz/QX5zY/fQCuSJu3fPivbRuFVmGxA/y9VnCHY2s=" ];
      };
      px-nl = {
        location = "nl";
        roles = [ "proxy" ];
        ipv4 = "192.168.1.7";
        inherit hostKey;
        peerKeys.proxy = [ "XA3lkQCIk2SSminRGXJXLd//HRhNyVR4p3BBb4b262s=" ];
      };
      px-ch = {
        location = "ch";
        roles = [ "proxy" ];
        ipv4 = "192.168.1.6";
        inherit hostKey;
        peerKeys.proxy = [ "RVSIEpj5DIn9LXrM+PbouMrT/6qkA2lZziIDMqoKlT4=" ];
      };
      web-1 = {
        location = "nl";
        roles = [ "backend" ];
        ipv4 = "192.168.1.9";
        inherit hostKey;
      };
      web-2 = {
        location = "ch";
        roles = [ "backend" ];
        ipv4 = "192.168.1.10";
        inherit hostKey;
      };
      web-3 = {
        location = "nl";
        roles = [ "backend" ];
        ipv4 = "192.168.1.11";
        inherit hostKey;
      };
      svn = {
        location = "nl";
        roles = [ "svn" ];
        ipv4 = "192.168.1.8";
        inherit hostKey;
      };
      admin-nl = {
        location = "nl";
        roles = [ "admin" ];
        ipv4 = "192.168.1.2";
        inherit hostKey;
        deployKeys = [
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJc8bTXr3XPY/9bUC36/iqCR5+lvvOUII5aywRijnR6U"
        ];
        signingKeys = [ "admin-nl-1:ALeJPYb14hO9oOJFmXGefAyzzz7FbZvkWSFrVh474HU=" ];
      };
      admin-ch = {
        location = "ch";
        roles = [ "admin" ];
        ipv4 = "192.168.1.1";
        inherit hostKey;
        deployKeys = [
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9qpK3TxxRzaoN7KqaRIxJ2PkA3pJxOU0mrlqz+h1Tv"
        ];
        signingKeys = [ "admin-ch-1:/KAIbYJZ5GEMklAUH/ciM482N8YJFWbmsFLby4rkfMc=" ];
      };
    };

    zones."example.test".file = ./zones/example.test.zone;
    pools."http0.l.example.test" = {
      ttl = 5;
      aliases = [ "example.test" ];
    };

    checks.ready = fast;
    checks.web = fast // {
      path = "/healthz";
    };
    cookies.sealed = {
      value = "sealed";
      key = "cookies";
    };

    services = {
      www = {
        hosts = [
          "www.example.test"
          "example.test"
        ];
        mode = "stateless";
        backends = [
          {
            host = "web-1";
            port = 8080;
          }
          {
            host = "web-2";
            port = 8080;
          }
        ];
        check = "web";
      };
      shop = {
        hosts = [ "shop.example.test" ];
        mode = "stateful";
        backends = [
          {
            host = "web-2";
            port = 8081;
          }
          {
            host = "web-3";
            port = 8081;
            backup = true;
          }
        ];
        check = "web";
        cookie = "sealed";
        failover_drain = "500ms";
        start_grace = "2s";
      };
    };
  };

  polder.keys.cookies = "/var/lib/polder-keys/cookies";
  polder.admin.operators = [ "alice" ];
  polder.svn.users.alice.keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAWvlDBTeBCTQxPU8LVT1oK3cce1WD/FpYUjHFOvlLGu alice of the tests, opens nothing else"
  ];
}
