# What other nameservers get of a zone.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) mkOptional;
  key = mkOptional {
    type = types.str;
    example = "backup.example.net";
    defaultText = lib.literalMD "none";
    description = "The key of `polder.fleet.tsig` that messages are signed with.";
  };
in
{
  options = {
    allow = mkOption {
      type = types.nonEmptyListOf (
        types.submodule {
          options = {
            inherit key;
            networks = mkOptional {
              type = types.nonEmptyListOf types.str;
              example = [ "192.0.2.53" ];
              defaultText = lib.literalMD "from anywhere";
              description = "The networks and addresses from which it is asked for.";
            };
          };
        }
      );
      description = "Who gets the zone: whoever one of them is about. Where `key` and `networks` are both there, both must hold; one of them must be there.";
    };
    pools = mkOptional {
      type = types.enum [
        "present"
        "left_out"
      ];
      defaultText = lib.literalMD "the daemon's: `present`";
      description = ''
        What the zone has at the names of pools: the addresses that are answered at the moment of the transfer, or none. What checks and
        operators change later reaches a copy with the next serial, not before.
      '';
    };
    notify = mkOptional {
      type = types.listOf (
        types.submodule {
          options = {
            inherit key;
            address = mkOption {
              type = types.str;
              example = "192.0.2.53";
              description = "Where it listens; port 53 if none is named.";
            };
          };
        }
      );
      defaultText = lib.literalMD "nobody";
      description = "The nameservers that are told when the zone has a new serial.";
    };
  };
}
