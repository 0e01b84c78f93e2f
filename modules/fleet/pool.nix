# One pool: a DNS name whose addresses are the proxies in it.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    members = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      defaultText = lib.literalMD "every host with the role proxy";
      example = [
        "px-nl"
        "px-ch"
      ];
      description = "The proxies in it: two at least.";
    };
    aliases = mkOption {
      type = types.listOf fleetTypes.domainName;
      default = [ ];
      example = [ "example.net" ];
      description = "Further names that answer from this pool: a zone's apex, which cannot be a CNAME.";
    };
    ttl = fleetTypes.daemonDefault {
      type = types.ints.between 0 86400;
      example = 60;
      description = "Seconds for which a resolver may keep the addresses: as long a proxy that fails is still asked by some.";
    };
    when_all_down = fleetTypes.daemonDefault {
      type =
        types.either
          (types.enum [
            "all"
            "last"
            "empty"
          ])
          (
            types.submodule {
              options.fallback = mkOption {
                type = types.listOf fleetTypes.ipAddress;
                description = "What is answered when no member is up.";
              };
            }
          );
      example = "last";
      description = "What is answered when the checks say that no member is up.";
    };
    check = mkOption {
      type = types.str;
      default = "ready";
      description = "Which of `polder.fleet.checks` probes each address of each member. It needs a port.";
    };
  };
}
