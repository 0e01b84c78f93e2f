# What `polder check` reads of a system: the fleet as far as it is checked across hosts, and the documents of this host's daemons.
{ lib, config }:

let
  inherit (config.polder) fleet;
  members = import ./members.nix { inherit lib fleet; };
  failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
  sound = failed == [ ];

  # A document is rendered only where all assertions hold: what they refuse may not even evaluate.
  document =
    file: role: lib.optionalAttrs (role.enable or false) { ${file} = builtins.toJSON role.settings; };
in
{
  inherit failed;
  documents = lib.optionalAttrs sound (
    document "dns.json" (config.polder.nameserver or { })
    // document "proxy.json" (config.polder.proxy or { })
  );
  fleet = {
    hosts = lib.mapAttrs (
      _: this:
      {
        inherit (this) location roles addresses;
      }
      # A push knows the host by it, and does not reach a host without.
      // lib.optionalAttrs (this.host_key != null) { inherit (this) host_key; }
    ) fleet.hosts;
    zones = lib.mapAttrs (apex: zone: {
      file = toString zone.file;
      nameservers = members.nameserversOf apex;
    }) fleet.zones;
    # Only what is stated here: a default is the daemon's own.
    pools = lib.mapAttrs (
      _: pool: lib.optionalAttrs (pool.ttl != null) { inherit (pool) ttl; }
    ) fleet.pools;
  };
}
