# The network of a host: its addresses in the fleet on one interface, and the gateways of its location.
#
# Does nothing unless `polder.network.interface` is set: a host may have any network that NixOS can configure.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  inherit (config.polder.network) interface;
  inherit (config.polder) fleet host;
  # A host that is not in the fleet, and a location that is not, are for the fleet's own assertions to report.
  this =
    fleet.hosts.${host} or {
      ipv4 = null;
      ipv6 = null;
    };
  location = fleet.locations.${this.location} or { };

  families = lib.filterAttrs (_: family: family.address != null) (
    lib.genAttrs [ "ipv4" "ipv6" ] (family: {
      address = this.${family};
      network = location.${family} or null;
    })
  );
  known = lib.filterAttrs (_: family: family.network != null) families;
  gateway = family: lib.mkIf (known ? ${family}) known.${family}.network.gateway;
in
{
  options.polder.network.interface = mkOption {
    type = types.nullOr types.str;
    default = null;
    example = "ens3";
    description = ''
      The network interface that gets the addresses of this host in the fleet, with the prefix lengths and gateways of its
      location (`polder.fleet.locations.*.ipv4` and `ipv6`). If null, the network of this host is configured elsewhere.
    '';
  };

  config = lib.mkIf (interface != null) {
    assertions = lib.mapAttrsToList (name: family: {
      assertion = family.network != null;
      message = "polder.fleet.locations.${this.location}.${name} is not set, and polder.network.interface of ${host} needs it: it has the address ${family.address}";
    }) families;

    networking = {
      useDHCP = lib.mkDefault false;
      defaultGateway = gateway "ipv4";
      defaultGateway6 = gateway "ipv6";
      interfaces.${interface} = lib.mapAttrs (_: family: {
        addresses = [
          {
            inherit (family) address;
            inherit (family.network) prefixLength;
          }
        ];
      }) known;
    };
  };
}
