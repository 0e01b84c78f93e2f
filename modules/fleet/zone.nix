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
