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

  # The addresses of all hosts with a role, for firewalls.
  addressesOf = role: lib.concatMap (name: fleet.hosts.${name}.addresses) (hostsOf role);
}
