# The role nameserver: polder-dns with the zones and pools that this host answers for.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (config.polder) fleet host keys;
  members = import ./fleet/members.nix { inherit lib fleet; };
  fleetTypes = import ./fleet/types.nix { inherit lib; };
  inherit (fleetTypes) documented;
  mkDaemonRole = import ./daemon-role.nix { inherit config lib pkgs; };

  zones = lib.filterAttrs (apex: _: lib.elem host (members.nameserversOf apex)) fleet.zones;
  pools = lib.filterAttrs (
    name: _: lib.any (apex: members.within apex name) (lib.attrNames zones)
  ) fleet.pools;

  clients = lib.filterAttrs (_: location: location.clients != [ ]) fleet.locations;

  pool =
    name: pool:
    documented {
      inherit (pool)
        aliases
        keep_answer
        nearby_at_least
        ttl
        when_all_down
        ;
      check = fleet.checks.${pool.check} // {
        tls = pool.check_tls;
      };
      https = if pool.https == null then null else removeAttrs pool.https [ "alpn_of" ];
      members = lib.genAttrs (members.membersOf name) (proxy: {
        inherit (fleet.hosts.${proxy}) addresses;
        alpn = if pool.https == null then null else pool.https.alpn_of.${proxy} or null;
        # Near to nobody where nobody is said to be there.
        location =
          if clients ? ${fleet.hosts.${proxy}.location} then fleet.hosts.${proxy}.location else null;
      });
    };

  # A folder in the store for each zone: the daemon reads what the zone includes from there and from nowhere else.
  zoneFile =
    apex: zone:
    let
      files = {
        "${apex}.zone" = zone.file;
      }
      // zone.includes;
      install = name: file: ''
        install -D -m 444 ${fleetTypes.stored (baseNameOf name) file} "$out"/${lib.escapeShellArg name}
      '';
    in
    "${
      pkgs.runCommand "zone-${apex}" { } (lib.concatStrings (lib.mapAttrsToList install files))
    }/${apex}.zone";

  documentedTransfer = transfer: {
    inherit (transfer) pools;
    allow = map documented transfer.allow;
    notify = if transfer.notify == null then null else map documented transfer.notify;
  };

  # What others are shown that ask for a certificate.
  shown =
    tls:
    lib.filter (certificate: certificate != null) (
      map (one: one.client_certificate) (lib.filter (one: one != null) tls)
    );

  documentedPrimaries = primaries: if primaries == null then null else map documented primaries;

  # The keys that zones of this host, and those that their catalogs list, name.
  configured =
    lib.attrValues zones
    ++ lib.filter (members: members != null) (lib.mapAttrsToList (_: zone: zone.members) zones);
  transfers = lib.filter (transfer: transfer != null) (map (zone: zone.transfer) configured);
  primaries = lib.concatMap (zone: if zone.primaries == null then [ ] else zone.primaries) configured;
  named =
    lib.concatMap (
      transfer: transfer.allow ++ (if transfer.notify == null then [ ] else transfer.notify)
    ) transfers
    ++ primaries;
  tsig = lib.getAttrs (lib.intersectLists (lib.attrNames fleet.tsig) (
    map (one: one.key) named
  )) fleet.tsig;
  withoutSecret = lib.filter (name: !(keys ? ${tsig.${name}.key})) (lib.attrNames tsig);

  everywhere =
    port:
    [ "0.0.0.0:${toString port}" ] ++ lib.optional config.networking.enableIPv6 "[::]:${toString port}";
  isEncrypted = fleet.encrypted_dns != null;
  # Without a CA it is left to an assertion.
  overAcme = isEncrypted && fleet.encrypted_dns.names != [ ] && fleet.acme != null;
  eab = if overAcme then fleet.encrypted_dns.eab else null;
  speaks = transport: isEncrypted && lib.elem transport fleet.encrypted_dns.transports;

  # A proxy gets certificates of these zones' names by what this nameserver answers.
  challengeZones = lib.intersectLists (lib.attrNames zones) members.zonesByDns;
  daemon = (import ./daemons.nix).nameserver;
  acme_challenges = {
    listen = fleet.hosts.${host}.socket daemon.challengePort;
    key_file = "/var/lib/${daemon.name}/identity.key";
    from = lib.genAttrs (members.hostsOf "proxy") (proxy: {
      inherit (fleet.hosts.${proxy}) addresses;
      keys = fleet.hosts.${proxy}.peerKeys.proxy;
      zones = challengeZones;
    });
  };
in
mkDaemonRole {
  role = "nameserver";
  description = "Authoritative nameserver of the fleet";
  memoryMax = "1G";
  stopTimeout = "20s";
  keyFiles =
    lib.optional (keys ? dns_cookies) keys.dns_cookies
    ++ lib.unique (lib.mapAttrsToList (_: key: keys.${key.key}) (removeAttrs tsig withoutSecret))
    ++ lib.optional (eab != null) eab.hmac_key_file;
  keyFolders = lib.mapAttrsToList (_: zone: zone.dnssec.keys) (
    lib.filterAttrs (_: zone: zone.dnssec != null) zones
  );
  certificates =
    lib.optionals isEncrypted fleet.encrypted_dns.certificates
    ++ shown (map (pool: pool.check_tls) (lib.attrValues pools))
    ++ shown (map (primary: primary.tls) primaries);
  allowedTCPPorts = [ 53 ] ++ lib.optional (speaks "tls") 853 ++ lib.optional (speaks "https") 443;
  allowedUDPPorts = [ 53 ] ++ lib.optional (speaks "quic") 853;

  settings = {
    listeners = lib.mkDefault (everywhere 53);
    locations = lib.mkIf (clients != { }) (
      lib.mapAttrs (_: location: { networks = location.clients; }) clients
    );
    # A zone's store path stands in the document, so that a change of the zone is a change of the document.
    zones = lib.mapAttrs (
      apex: zone:
      documented {
        inherit (zone) checks;
        transfer = if zone.transfer == null then null else documentedTransfer zone.transfer;
        file = if zone.file == null then null else zoneFile apex zone;
        primaries = documentedPrimaries zone.primaries;
        members =
          if zone.members == null then
            null
          else
            documented {
              inherit (zone.members) checks;
              transfer = if zone.members.transfer == null then null else documentedTransfer zone.members.transfer;
              primaries = documentedPrimaries zone.members.primaries;
            };
        catalog = if zone.catalog == null then null else documented zone.catalog;
        dnssec = if zone.dnssec == null then null else documented zone.dnssec;
      }
    ) zones;
    pools = lib.mapAttrs pool pools;
  }
  // lib.optionalAttrs (tsig != { }) {
    tsig_keys = lib.mapAttrs (_: key: {
      inherit (key) algorithm;
      secret_file = keys.${key.key};
    }) (removeAttrs tsig withoutSecret);
  }
  // lib.optionalAttrs (keys ? dns_cookies) { cookies.key_file = keys.dns_cookies; }
  // lib.optionalAttrs isEncrypted {
    encrypted =
      lib.genAttrs fleet.encrypted_dns.transports (
        transport: lib.mkDefault (everywhere (if transport == "https" then 443 else 853))
      )
      // lib.optionalAttrs (fleet.encrypted_dns.certificates != [ ]) {
        inherit (fleet.encrypted_dns) certificates;
      }
      // lib.optionalAttrs overAcme {
        acme = documented (
          removeAttrs fleet.acme [ "challenge" ]
          // {
            inherit (fleet.encrypted_dns) names;
            inherit eab;
          }
        );
      };
  }
  // lib.optionalAttrs (challengeZones != [ ]) { inherit acme_challenges; };
  allowedTCPPortsFrom = lib.optionalAttrs (challengeZones != [ ]) {
    ${toString daemon.challengePort} = members.addressesOf "proxy";
  };
  settingsExample = {
    workers = 2;
    tcp.connections = 500;
  };
  settingsOrigin = "Name, listeners, peers, zones and pools";

  assertions =
    map (name: {
      assertion = false;
      message = "polder.keys.${tsig.${name}.key} is missing on ${host}: zones are transferred with the key polder.fleet.tsig.\"${name}\"; name the file that holds its secret";
    }) withoutSecret
    ++ [
      {
        assertion = zones != { };
        message = "polder.fleet.zones: there is none for ${host}, which is a nameserver: it would have nothing to answer";
      }
      {
        assertion = !(speaks "https" && config.polder.proxy.enable);
        message = "polder.fleet.encrypted_dns.transports has \"https\", and ${host} is a nameserver and a proxy: both would listen on port 443; take it out";
      }
      {
        assertion = !(config.services.resolved.enable or false);
        message = "services.resolved.enable: systemd-resolved listens on port 53 of ${host}, where the nameserver does";
      }
    ];
}
