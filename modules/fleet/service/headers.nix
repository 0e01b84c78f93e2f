# What becomes of the header fields of a service's messages.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault part;

  fields =
    args:
    mkOption (
      args
      // {
        type = types.attrsOf types.str;
        default = { };
      }
    );

  # One way.
  headers =
    { to, example }:
    part
      {
        set = fields {
          example.X-Real-IP = "{client}";
          description = ''
            Fields that take the place of all others of their names on the way to ${to}. Values may have variables in them
            ([documents.md](documents.md#header-fields)).
          '';
        };
        add = fields {
          example.Link = "</style.css>; rel=preload";
          description = "Fields that go to ${to} beside others of their names.";
        };
        remove = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "X-Debug-*" ];
          description = "Names of fields that do not go on to ${to}; with a `*` at the end, how the names begin.";
        };
      }
      {
        inherit example;
        description = "What becomes of header fields on the way to ${to}.";
      };
in
{
  pass_fields = daemonDefault {
    type = types.nonEmptyListOf types.str;
    example = [ "X-HTTP-Method-Override" ];
    description = ''
      Request fields to pass on to the backends of this service. They are removed otherwise, because programs trust them when
      they come from a gateway ([documents.md](documents.md) has the list).
    '';
  };
  request_headers = headers {
    to = "the backends";
    example.set.X-Real-IP = "{client}";
  };
  response_headers = headers {
    to = "visitors";
    example.remove = [ "Server" ];
  };
}
