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
  inherit (import ./fleet/types.nix { inherit lib; }) documented stored;
  mkDaemonRole = import ./daemon-role.nix { inherit config lib pkgs; };
  daemons = import ./daemons.nix;

  service =
    name: service:
    documented {
      inherit (service)
        abort_on_close
        allow
        backend_tls
        balance
        basic_auth
        compression
        deny
        failover
        failover_drain
        forward_auth
        hedge_after
        hosts
        hsts
        https
        last_resort
        max_queue
        max_request_body
        mode
        pass_fields
        paths
        protocol
        queue_timeout
        rate_limit
        redirect
        redispatch
        retries
        retry_budget
        retry_on
        reuse
        send_proxy
        slow_start
        start_grace
        tls
        try_timeout
        without_agreement
        ;
      backends = if service.backends == [ ] then null else map backend service.backends;
      answer = lib.mapNullable (withFiles "answer" [ "file" ]) service.answer;
      files = lib.mapNullable (withFiles "files" [ "folder" ]) service.files;
      error_pages = lib.mapNullable pages service.error_pages;
      request_headers = lib.mapNullable headers service.request_headers;
      response_headers = lib.mapNullable headers service.response_headers;
      check = lib.mapNullable (check: fleet.checks.${check}) service.check;
      cookie = if service.mode == "stateful" then cookie service else null;
    };

  # The options of a part, those with these names being files or folders, each a store path of its own.
  withFiles =
    what: names: part:
    lib.mapAttrs (
      name: value: if lib.elem name names then "${stored "${what}-${name}" value}" else value
    ) (documented part);

  pages = all: withFiles "page" (lib.remove "maintenance_retry_after" (lib.attrNames all)) all;

  headers = edits: lib.filterAttrs (_: fields: fields != { } && fields != [ ]) edits;

  challenges = map members.challengeOf (lib.attrValues fleet.services);
  overAcme = fleet.acme != null && lib.any (challenge: challenge != null) challenges;
  overDns = lib.elem "dns-01" challenges;
  # Those that the CA may ask.
  nameservers = lib.unique (lib.concatMap members.nameserversOf members.zonesByDns);
  acme =
    documented fleet.acme
    // lib.optionalAttrs overDns {
      nameservers = {
        key_file = "/var/lib/${daemons.proxy.name}/identity.key";
        members = lib.genAttrs nameservers (name: {
          address = fleet.hosts.${name}.socket daemons.nameserver.challengePort;
          keys = fleet.hosts.${name}.peerKeys.nameserver;
        });
      };
    };

  # Those that a service has in files.
  certificates = lib.concatMap (
    { tls, ... }: lib.optionals (lib.isAttrs tls && tls.certificates != null) tls.certificates
  ) (lib.attrValues fleet.services);

  agreement = documented {
    inherit (fleet.agreement) lease;
    engine = "etcd";
    endpoints = map (
      name: "https://${fleet.hosts.${name}.socket (import ./fleet/agreement-ports.nix).client}"
    ) fleet.agreement.hosts;
    inherit (config.polder.agreement) tls;
  };

  backend =
    backend:
    documented {
      inherit (backend) name weight max_connections;
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
    map keyFile (lib.attrValues sealingKeys)
    ++ map (service: service.basic_auth.users_file) (
      lib.filter (service: service.basic_auth != null) (lib.attrValues fleet.services)
    )
    ++ lib.optional (overTLS && keys ? cookies) keys.cookies
    ++ lib.optional (overAcme && fleet.acme.eab != null) fleet.acme.eab.hmac_key_file;
  inherit certificates;
  allowedTCPPorts = map (listener: listener.port) ports;

  settings = {
    listeners = lib.mkDefault (lib.concatMap listenersOn ports);
    services = lib.mapAttrs service fleet.services;
    # A 503 of the night can be explained in the morning.
    access_log.path = lib.mkDefault "journal";
    request_id = lib.mkDefault "X-Request-Id";
  }
  # Without it, visitors resume TLS sessions at the same proxy alone.
  // lib.optionalAttrs (overTLS && keys ? cookies) { tls.tickets.key_file = keys.cookies; }
  // lib.optionalAttrs overAcme { inherit acme; }
  // lib.optionalAttrs (fleet.agreement.hosts != [ ] && fleet.agreement.formed) {
    inherit agreement;
  };
  settingsExample = {
    timeouts.response_head = "90s";
    limits.connections = 50000;
  };
  settingsOrigin = "Name, listeners, peers and services";
  settingsDefaults = "Requests are logged to the journal, with an id each (`access_log`, `request_id`): `lib.mkForce null` for either leaves it out.";

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
