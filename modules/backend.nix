# The role backend: nginx with the fleet's sites that are on this host, and with whatever else runs on it.
#
# It depends on the sites and on this host's own options, never on a service's list of backends: that list is the proxies'.
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
  # The first site of a port, by name, answers what no name of another matches: the proxies' checks, above all.
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
    # A link under /etc: new pages move the link and leave nginx alone.
    root = "/etc/polder/www/${name}";
    locations."= ${site.healthPath}" = {
      # Without its pages a webserver is no use, however well it runs.
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
      # A name that nginx has vetted. A port that the visitor wrote stays in X-Forwarded-Host, which the proxies set.
      extraConfig = ''
        proxy_set_header Host $host;
      '';
    };
  };

  # What services expect of this host; only asserted, so that a service's list changes no backend.
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
      description = "Whether to serve `polder.fleet.sites` that are on this host, and `polder.backend.local`.";
    };
    local = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            port = mkOption {
              type = types.port;
              example = 8080;
              description = "The port that the proxies reach. It is opened to them alone.";
            };
            upstream = mkOption {
              type = types.nullOr types.str;
              default = null;
              example = "127.0.0.1:3000";
              description = ''
                The address and port of the program on this host to which nginx passes on what comes to the port (a Unix
                socket: `unix:/run/shop.sock`). Null: the program listens on the port itself, and nginx has no part in it.
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
        Programs on this host that are backends, besides the sites: anything that speaks HTTP. Checks go through to
        them, so let `polder.fleet.checks.*.path` be a page that says whether the program is well.
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
      # The visitor's address, as the proxies tell it; from nobody else.
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
