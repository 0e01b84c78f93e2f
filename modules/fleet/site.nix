# One folder of web pages, served by the nginx of the backends it is on.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    root = mkOption {
      type = types.path;
      example = lib.literalExpression "./www/www";
      description = "The folder. A change of what is in it touches nothing on a backend but the link to it.";
    };
    on = mkOption {
      type = types.nullOr (types.nonEmptyListOf types.str);
      default = null;
      defaultText = lib.literalMD "every host with the role backend";
      example = [
        "web-1"
        "web-2"
      ];
      description = "The hosts, with the role backend, that serve it.";
    };
    port = mkOption {
      type = types.port;
      default = 80;
      description = "The port it is served on. Several sites on one host and port are told apart by `names`.";
    };
    names = mkOption {
      type = types.nullOr (types.listOf fleetTypes.domainName);
      default = null;
      defaultText = lib.literalMD "the `hosts` of the service of the same name, where there is one";
      description = "The host names it answers to.";
    };
    healthPath = mkOption {
      type = types.strMatching "/.*";
      default = "/healthz";
      description = "Answered with 200 as long as nginx runs and the folder is there: for checks.";
    };
  };
}
