# What `polder check` reads of a system: the fleet as far as it is checked across hosts, and the documents of this host's daemons.
{ lib, config }:

let
  inherit (config.polder) fleet;
  members = import ./members.nix { inherit lib fleet; };
  failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
  sound = failed == [ ];

  # A document is rendered only where all assertions hold: what they refuse may not even evaluate.
  running = lib.filterAttrs (role: _: sound && config.polder.${role}.enable or false) (
    import ../daemons.nix
  );
in
{
  inherit failed;
  documents = lib.mapAttrs' (
    role: daemon: lib.nameValuePair daemon.document (builtins.toJSON config.polder.${role}.settings)
  ) running;
  fleet = {
    hosts = lib.mapAttrs (
      _: this:
      {
        inherit (this) location roles addresses;
      }
      # A push identifies the host by it, and does not connect to a host without.
      // lib.optionalAttrs (this.hostKey != null) { host_key = this.hostKey; }
    ) fleet.hosts;
    zones = lib.mapAttrs (
      apex: zone:
      {
        file = toString zone.file;
        nameservers = members.nameserversOf apex;
      }
      // lib.optionalAttrs (zone.checks != null) { inherit (zone) checks; }
    ) (lib.filterAttrs (_: zone: zone.file != null) fleet.zones);
  }
  // lib.optionalAttrs (fleet.agreement.hosts != [ ]) { agreement = fleet.agreement.hosts; }
  // {
    # Only if it is set: the default is the daemon's.
    pools = lib.mapAttrs (
      _: pool: lib.optionalAttrs (pool.ttl != null) { inherit (pool) ttl; }
    ) fleet.pools;
  };
}
