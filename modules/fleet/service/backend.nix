# One backend of a service.
{ lib, fleetTypes }:

{ config, ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault mkOptional;
in
{
  options = {
    host = mkOptional {
      type = types.str;
      example = "web-1";
      description = "A host of the fleet with the role backend.";
    };
    address = mkOptional {
      type = fleetTypes.ipAddress;
      example = "203.0.113.7";
      description = "The address of a webserver that is not a host of the fleet, instead of `host`.";
    };
    name = mkOption {
      type = types.str;
      default =
        if config.host != null then
          config.host
        else
          throw "polder.fleet.services: a backend with an `address` needs a `name`";
      defaultText = lib.literalMD "its `host`";
      description = "The name of the backend in logs, metrics and commands, unique within the service.";
    };
    port = mkOption {
      type = types.port;
      default = 80;
      description = "The port on which the webserver listens.";
    };
    weight = daemonDefault {
      type = types.ints.between 0 1000;
      description = "The share of requests that it gets. With 0, it gets only requests whose cookie names it.";
    };
    max_connections = daemonDefault {
      type = types.ints.between 1 1000000;
      example = 50;
      description = "Requests that it gets at once from each proxy, as HAProxy's `maxconn`; the rest queue ([limits.md](limits.md#busy-backends)).";
    };
    backup = mkOption {
      type = types.bool;
      default = false;
      description = "Whether it is used only when no primary is available. Backups are tried in the order of the list.";
    };
  };
}
