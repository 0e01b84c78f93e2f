# One DNS zone.
{ lib, ... }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    file = mkOption {
      type = types.path;
      example = lib.literalExpression "./zones/example.net.zone";
      description = ''
        The master file (RFC 1035). The NS records and the serial in it are yours to write; every other line that the
        daemon would refuse fails the build of the nameservers with its number.
      '';
    };
    includes = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression ''{ "sub/hosts.inc" = ./zones/sub/hosts.inc; }'';
      description = ''
        The files that it includes, by the path that `$INCLUDE` leads to from the folder of the zone's own file. They go into the
        zone's folder in the store; the daemon reads nothing outside of it.
      '';
    };
    nameservers = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      defaultText = lib.literalMD "every host with the role nameserver";
      example = [
        "ns-nl"
        "ns-ch"
      ];
      description = "The hosts that answer for it: two at least.";
    };
  };
}
