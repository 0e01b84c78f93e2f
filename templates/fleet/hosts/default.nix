{
  polder.fleet = {
    hosts =
      let
        host = location: roles: ipv4: { inherit location roles ipv4; };
      in
      {
        ns-1 = host "here" "nameserver" "192.0.2.1";
        ns-2 = host "there" "nameserver" "198.51.100.1";
        px-1 = host "here" "proxy" "192.0.2.11";
        px-2 = host "there" "proxy" "198.51.100.11";
        web-1 = host "here" "backend" "192.0.2.21";
        web-2 = host "there" "backend" "198.51.100.21";
      };

    zones."example.net".file = ./zones/example.net.zone;
    pools."http0.l.example.net" = { };

    acme.terms_of_service_agreed = true;
    services.www = {
      hosts = [ "www.example.net" ];
      tls = "acme";
      https = "redirect";
      mode = "stateless";
      backends = [
        { host = "web-1"; }
        { host = "web-2"; }
      ];
    };
    sites.www.root = ./www;
  };
}
