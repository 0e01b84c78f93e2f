# What becomes of the header fields of a service's messages, one way.
{ lib, to }:

let
  inherit (lib) mkOption types;
  fields = example: {
    type = types.attrsOf types.str;
    default = { };
    inherit example;
  };
in
{
  options = {
    set = mkOption (
      fields { X-Real-IP = "{client}"; }
      // {
        description = ''
          Fields that take the place of all others of their names on the way to ${to}. Values may have variables in them
          ([documents.md](documents.md#header-fields)).
        '';
      }
    );
    add = mkOption (
      fields { Link = "</style.css>; rel=preload"; }
      // {
        description = "Fields that go to ${to} beside others of their names.";
      }
    );
    remove = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "X-Debug-*" ];
      description = "Names of fields that do not go on to ${to}; with a `*` at the end, how the names begin.";
    };
  };
}
