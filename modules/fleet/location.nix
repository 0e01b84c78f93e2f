# A place where hosts stand, and the network there.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) part;
  network =
    family: address: bits: example:
    part
      {
        gateway = mkOption {
          type = address;
          example = example.gateway;
          description = "The address of the default gateway.";
        };
        prefixLength = mkOption {
          type = types.ints.between 1 bits;
          example = example.prefixLength;
          description = "The prefix length of the network.";
        };
      }
      {
        inherit example;
        description = "The ${family} network of the location, for hosts that set `polder.network.interface`.";
      };
in
{
  options = {
    description = mkOption {
      type = types.str;
      default = "";
      description = "What people call the place.";
    };
    ipv4 = network "IPv4" fleetTypes.ipv4 32 {
      gateway = "192.0.2.254";
      prefixLength = 24;
    };
    ipv6 = network "IPv6" fleetTypes.ipv6 128 {
      gateway = "2001:db8:1::ffff";
      prefixLength = 64;
    };
    clients = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "192.0.2.0/24"
        "2001:db8::/32"
      ];
      description = ''
        The networks of visitors, and of their resolvers, that are near: they get the addresses of the location's proxies, as long as enough of them
        are up ([zones.md](zones.md#clients-that-are-near)). None: every visitor gets the addresses of all proxies that are up.
      '';
    };
  };
}
