# A place where hosts stand, and the network there.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  network =
    family: address: bits: example:
    mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            gateway = mkOption {
              type = address;
              example = example.gateway;
              description = "The address of the router there.";
            };
            prefixLength = mkOption {
              type = types.ints.between 1 bits;
              example = example.prefixLength;
              description = "How many bits of an address are the network's.";
            };
          };
        }
      );
      default = null;
      inherit example;
      description = "The ${family} network that its hosts are in, for those of them that set `polder.network.interface`.";
    };
in
{
  options = {
    description = mkOption {
      type = types.str;
      default = "";
      description = "What stands there, for people.";
    };
    ipv4 = network "IPv4" fleetTypes.ipv4 32 {
      gateway = "192.0.2.254";
      prefixLength = 24;
    };
    ipv6 = network "IPv6" fleetTypes.ipv6 128 {
      gateway = "2001:db8:1::ffff";
      prefixLength = 64;
    };
  };
}
