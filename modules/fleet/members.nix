# The fleet's names resolved to hosts and addresses (pure).
{ lib, fleet }:

rec {
  hostsOf = role: lib.attrNames (lib.filterAttrs (_: this: lib.elem role this.roles) fleet.hosts);

  nameserversOf =
    apex:
    let
      listed = fleet.zones.${apex}.nameservers;
    in
    if listed == null then hostsOf "nameserver" else listed;

  membersOf =
    pool:
    let
      listed = fleet.pools.${pool}.members;
    in
    if listed == null then hostsOf "proxy" else listed;

  hostsOfSite =
    site:
    let
      listed = fleet.sites.${site}.on;
    in
    if listed == null then hostsOf "backend" else listed;

  sitesOn = host: lib.filterAttrs (name: _: lib.elem host (hostsOfSite name)) fleet.sites;

  # Whether a domain name is that of a zone's apex or lies below it.
  within =
    apex: name:
    let
      plain = domain: lib.toLower (lib.removeSuffix "." domain);
    in
    plain name == plain apex || lib.hasSuffix ".${plain apex}" (plain name);

  bracketed = address: if lib.hasInfix ":" address then "[${address}]" else address;

  backendSocket =
    backend:
    if backend.address != null then
      "${bracketed backend.address}:${toString backend.port}"
    else
      fleet.hosts.${backend.host}.socket backend.port;

  siteNames =
    site:
    let
      this = fleet.sites.${site};
    in
    if this.names != null then this.names else fleet.services.${site}.hosts or [ ];

  # How the CA is convinced for a service whose certificate the proxies get from it; null for any other.
  challengeOf =
    service:
    let
      common = if fleet.acme == null then null else fleet.acme.challenge;
      own = if lib.isAttrs service.tls then service.tls.acme.challenge or null else null;
      chosen = lib.findFirst (challenge: challenge != null) "http-01" [
        own
        common
      ];
      isOrdered = service.tls == "acme" || (lib.isAttrs service.tls && service.tls.acme != null);
    in
    if isOrdered then chosen else null;

  # The hosts of services for whose certificates the CA asks our nameservers.
  hostsByDns = lib.concatMap (service: service.hosts) (
    lib.filter (service: challengeOf service == "dns-01") (lib.attrValues fleet.services)
  );

  # The zones, by apex, that such a host lies in.
  zonesByDns = lib.filter (apex: lib.any (within apex) hostsByDns) (lib.attrNames fleet.zones);

  # The addresses of all hosts with a role, for firewalls.
  addressesOf = role: lib.concatMap (name: fleet.hosts.${name}.addresses) (hostsOf role);
}
