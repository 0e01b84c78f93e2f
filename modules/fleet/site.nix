# One folder of web pages, served by the nginx of the backends it is on.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) mkOptional;
in
{
  options = {
    root = mkOption {
      type = types.path;
      example = lib.literalExpression "./www/www";
      description = "The directory with the pages. When its content changes, a backend only gets a new link to it; nginx is not reloaded.";
    };
    on = mkOptional {
      type = types.nonEmptyListOf types.str;
      defaultText = lib.literalMD "every host with the role backend";
      example = [
        "web-1"
        "web-2"
      ];
      description = "The hosts with the role backend that serve the site.";
    };
    port = mkOption {
      type = types.port;
      default = 80;
      description = "The port to serve it on. Sites on the same host and port are distinguished by `names`.";
    };
    names = mkOptional {
      type = types.listOf fleetTypes.domainName;
      defaultText = lib.literalMD "the `hosts` of the service of the same name, where there is one";
      description = "The host names of the site.";
    };
    healthPath = mkOption {
      type = types.strMatching "/.*";
      default = "/healthz";
      description = "The path for health checks: it is answered with 200 as long as nginx runs and the directory exists.";
    };
  };
}
