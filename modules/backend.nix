# The role backend: nginx with the sites of the fleet that are on this host, and with other programs that run on it.
#
# It depends on the sites and on the options of this host, never on the backends of a service: a change of those is the proxies' alone.
{
  config,
  lib,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.backend;
  inherit (config.polder) fleet host;
  members = import ./fleet/members.nix { inherit lib fleet; };
  fleetTypes = import ./fleet/types.nix { inherit lib; };
  firewall = import ./firewall.nix { inherit lib; };

  sites = members.sitesOn host;
  proxied = lib.filterAttrs (_: local: local.upstream != null) cfg.local;
  proxies = members.addressesOf "proxy";

  sitePorts = lib.mapAttrsToList (_: site: site.port) sites;
  localPorts = lib.mapAttrsToList (_: local: local.port) cfg.local;
  served = lib.unique (sitePorts ++ localPorts);
  # The first site of a port, by name, answers requests that match no name of another, above all the proxies' checks.
  isFirst =
    name: site:
    name == lib.head (lib.attrNames (lib.filterAttrs (_: other: other.port == site.port) sites));

  listen = port: [
    {
      addr = "0.0.0.0";
      inherit port;
    }
    {
      addr = "[::]";
      inherit port;
    }
  ];

  siteHost = name: site: {
    listen = listen site.port;
    default = isFirst name site;
    serverName = name;
    serverAliases = members.siteNames name;
    # A link under /etc: new pages change the link and do not affect nginx.
    root = "/etc/polder/www/${name}";
    locations."= ${site.healthPath}" = {
      # Without its pages a webserver is useless, however well it runs.
      tryFiles = "/index.html =503";
      extraConfig = ''
        default_type text/plain;
        access_log off;
      '';
    };
  };

  localHost = name: local: {
    listen = listen local.port;
    default = true;
    serverName = name;
    locations."/" = {
      proxyPass = "http://${local.upstream}";
      proxyWebsockets = true;
      # $host is validated by nginx, $http_host is not. The visitor's port is in X-Forwarded-Host, which the proxies set.
      extraConfig = ''
        proxy_set_header Host $host;
      '';
    };
  };

  # What services expect of this host. Only asserted, so that the backends of a service change no system of a backend.
  wanted = lib.concatLists (
    lib.mapAttrsToList (
      name: service:
      map (backend: {
        service = name;
        inherit (backend) port;
      }) (lib.filter (backend: backend.host == host) service.backends)
    ) fleet.services
  );
in
{
  options.polder.backend = {
    enable = mkOption {
      type = types.bool;
      default = lib.elem "backend" (fleet.hosts.${host}.roles or [ ]);
      defaultText = lib.literalMD "whether this host has the role backend";
      description = "Whether to serve the sites of `polder.fleet.sites` that are on this host, and the programs in `polder.backend.local`.";
    };
    local = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            port = mkOption {
              type = types.port;
              example = 8080;
              description = "The port on which the proxies reach the program. The firewall opens it to them alone.";
            };
            upstream = mkOption {
              type = types.nullOr types.str;
              default = null;
              example = "127.0.0.1:3000";
              description = ''
                Where the program listens on this host: an address and port, or a Unix socket (`unix:/run/shop.sock`). nginx
                forwards requests from `port` to it. If null, the program listens on `port` itself, without nginx.
              '';
            };
          };
        }
      );
      default = { };
      example = {
        shop = {
          port = 8080;
          upstream = "127.0.0.1:3000";
        };
      };
      description = ''
        Programs on this host that serve as backends besides the sites: anything that speaks HTTP. Health checks reach the
        program itself, so `polder.fleet.checks.*.path` should be a page that tells whether it works.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions =
      map (want: {
        assertion = lib.elem want.port served;
        message = "polder.fleet.services.${want.service}.backends: nothing on ${host} serves port ${toString want.port}: put a site on it (polder.fleet.sites), or a program (polder.backend.local)";
      }) wanted
      ++ lib.mapAttrsToList (name: local: {
        assertion = lib.count (port: port == local.port) (localPorts ++ lib.unique sitePorts) == 1;
        message = "polder.backend.local.${name}.port: ${toString local.port} is taken on ${host} by a site or another program";
      }) cfg.local;

    services.nginx = lib.mkIf (sites != { } || proxied != { }) {
      enable = true;
      enableReload = true;
      virtualHosts =
        lib.mapAttrs' (name: site: lib.nameValuePair "site-${name}" (siteHost name site)) sites
        // lib.mapAttrs' (name: local: lib.nameValuePair "local-${name}" (localHost name local)) proxied;
      # The visitor's address, as the proxies report it. Nobody else is believed.
      commonHttpConfig = lib.mkIf (proxies != [ ]) (
        lib.concatMapStrings (address: "set_real_ip_from ${address};\n") proxies
        + "real_ip_header X-Forwarded-For;\n"
      );
    };

    environment.etc = lib.mapAttrs' (
      name: site:
      lib.nameValuePair "polder/www/${name}" {
        source = fleetTypes.stored "www-${name}" site.root;
      }
    ) sites;

    networking.nftables.enable = lib.mkDefault true;
    networking.firewall.extraInputRules = lib.concatMapStrings (
      port: firewall.only port proxies
    ) served;
  };
}
