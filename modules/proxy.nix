# The role proxy: polder-proxy with all services of the fleet.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (config.polder) fleet host keys;
  members = import ./fleet/members.nix { inherit lib fleet; };
  inherit (import ./fleet/types.nix { inherit lib; }) documented;
  mkDaemonRole = import ./daemon-role.nix { inherit config lib pkgs; };

  service =
    name: service:
    documented {
      inherit (service)
        hosts
        paths
        mode
        failover
        balance
        abort_on_close
        pass_fields
        redispatch
        retries
        reuse
        start_grace
        last_resort
        failover_drain
        tls
        https
        ;
      backends = map backend service.backends;
    }
    // lib.optionalAttrs (service.hsts != null) { hsts = documented service.hsts; }
    // lib.optionalAttrs (service.check != null) { check = documented fleet.checks.${service.check}; }
    // lib.optionalAttrs (service.mode == "stateful") { cookie = cookie service; };

  backend =
    backend:
    documented {
      inherit (backend) name weight;
      address = members.backendSocket backend;
    }
    // lib.optionalAttrs backend.backup { backup = true; };

  cookie =
    service:
    let
      kind = cookieKind service;
    in
    documented { name = service.cookieName; }
    // {
      inherit (kind) value;
    }
    // lib.optionalAttrs (kind.key != null) { key_file = keyFile kind.key; };

  sealed = {
    value = "sealed";
    key = "cookies";
  };
  # A kind that is not defined is left to an assertion.
  cookieKind =
    service: if service.cookie == null then sealed else fleet.cookies.${service.cookie} or sealed;

  overTLS = lib.any (service: service.tls != null) (lib.attrValues fleet.services);
  ports = [
    {
      protocol = "http";
      port = 80;
    }
  ]
  ++ lib.optional overTLS {
    protocol = "https";
    port = 443;
  };
  listenersOn =
    { protocol, port }:
    map (listener: listener // lib.optionalAttrs (protocol != "http") { inherit protocol; }) (
      [
        {
          name = protocol;
          address = "0.0.0.0:${toString port}";
        }
      ]
      ++ lib.optional config.networking.enableIPv6 {
        name = "${protocol}6";
        address = "[::]:${toString port}";
      }
    );

  # A key that is missing is left to an assertion too.
  keyFile = name: keys.${name} or "/missing";
  sealing = lib.filterAttrs (
    _: service: service.mode == "stateful" && (cookieKind service).key != null
  ) fleet.services;
  sealingKeys = lib.mapAttrs (_: service: (cookieKind service).key) sealing;
in
mkDaemonRole {
  role = "proxy";
  description = "HTTP proxy of the fleet";
  memoryMax = "2G";
  stopTimeout = "45s";
  keyFiles =
    map keyFile (lib.attrValues sealingKeys) ++ lib.optional (overTLS && keys ? cookies) keys.cookies;
  allowedTCPPorts = map (listener: listener.port) ports;

  settings = {
    listeners = lib.mkDefault (lib.concatMap listenersOn ports);
    services = lib.mapAttrs service fleet.services;
  }
  # Without it, visitors resume TLS sessions at the same proxy alone.
  // lib.optionalAttrs (overTLS && keys ? cookies) { tls.tickets.key_file = keys.cookies; };
  settingsExample = {
    timeouts.response_head = "90s";
    limits.connections = 50000;
  };
  settingsOrigin = "Name, listeners, peers and services";

  assertions = [
    {
      assertion = fleet.services != { };
      message = "polder.fleet.services: there is none, and host ${host} is a proxy: it would have nothing to serve";
    }
  ]
  ++ map (
    { port, ... }:
    {
      assertion = !lib.any (site: site.port == port) (lib.attrValues (members.sitesOn host));
      message = "polder.fleet.sites: a site on port ${toString port} is on ${host}, where the proxy listens: give it another port";
    }
  ) ports
  ++ lib.mapAttrsToList (name: key: {
    assertion = keys ? ${key};
    message = "polder.keys.${key} is missing on ${host}: polder.fleet.services.${name} seals its cookie with it, unless its cookie is one of polder.fleet.cookies with the value \"address\"; name the file that holds it";
  }) sealingKeys;
}
