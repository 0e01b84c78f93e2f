# What of a service's responses visitors get compressed.
{ lib, fleetTypes }:

let
  inherit (lib) types;
  inherit (fleetTypes) daemonDefault part;
in
{
  compression =
    part
      {
        algorithms = daemonDefault {
          type = types.nonEmptyListOf (
            types.enum [
              "zstd"
              "br"
              "gzip"
            ]
          );
          description = "Of what a visitor accepts equally, the first of these.";
        };
        types = daemonDefault {
          type = types.nonEmptyListOf types.str;
          example = [
            "text/*"
            "application/json"
          ];
          description = "The types of content that are compressed.";
        };
        min_size = daemonDefault {
          type = types.ints.between 0 1048576;
          description = "Shorter bodies are not compressed.";
        };
        with_set_cookie = daemonDefault {
          type = types.bool;
          description = "Responses that set a cookie are compressed, too; the length of a page then tells of the secrets in it (BREACH).";
        };
      }
      {
        example = { };
        description = "What of the responses visitors get compressed: of the sites, of `files` or of an `answer`. Without it, what the sites send or the files are.";
      };
}
