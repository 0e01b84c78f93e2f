# One service: what visitors reach under host names (and path prefixes), and the backends that answer.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault duration;

  backend =
    { config, ... }:
    {
      options = {
        host = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "web-1";
          description = "A host of the fleet with the role backend.";
        };
        address = mkOption {
          type = types.nullOr fleetTypes.ipAddress;
          default = null;
          example = "203.0.113.7";
          description = "Instead of `host`: the address of a webserver that is no host of the fleet.";
        };
        name = mkOption {
          type = types.str;
          default =
            if config.host != null then
              config.host
            else
              throw "polder.fleet.services: a backend with an `address` needs a `name`";
          defaultText = lib.literalMD "its `host`";
          description = "Its name in logs, metrics and the operator's verbs; distinct within the service.";
        };
        port = mkOption {
          type = types.port;
          default = 80;
          description = "The port it listens on.";
        };
        weight = daemonDefault {
          type = types.ints.between 0 1000;
          description = "Its share; 0 gets only requests that name it.";
        };
        backup = mkOption {
          type = types.bool;
          default = false;
          description = "Used only when no primary can be, in the order of the list.";
        };
      };
    };
in

{ ... }:

{
  options = {
    hosts = mkOption {
      type = types.nonEmptyListOf fleetTypes.domainName;
      example = [
        "www.example.net"
        "*.pages.example.net"
      ];
      description = "The host names it is reached under.";
    };
    paths = daemonDefault {
      type = types.nonEmptyListOf (types.strMatching "/.*");
      example = [ "/shop" ];
      description = "Path prefixes in whole segments.";
    };
    mode = mkOption {
      type = types.enum [
        "stateless"
        "stateful"
      ];
      description = "Whether a visitor must stay on one backend.";
    };
    failover = daemonDefault {
      type = types.enum [
        "permanent"
        "automatic"
      ];
      description = ''
        Stateful services only. `permanent`: one primary and ordered backups; the service moves to a backup and stays there
        until an operator fails it back. `automatic`: several primaries, the cookie keeps a visitor on one.
      '';
    };
    balance = daemonDefault {
      type = types.enum [
        "round-robin"
        "least-connections"
        "random-two-choices"
      ];
      description = "How requests that no cookie and no latch decides are spread over the primaries.";
    };
    backends = mkOption {
      type = types.nonEmptyListOf (types.submodule backend);
      example = [
        { host = "web-1"; }
        {
          host = "web-2";
          backup = true;
        }
      ];
      description = "The webservers, in order.";
    };
    check = mkOption {
      type = types.nullOr types.str;
      default = null;
      defaultText = lib.literalMD "`GET /` with the daemon's own times";
      example = "web";
      description = "Which of `polder.fleet.checks` probes the backends.";
    };
    cookie = mkOption {
      type = types.nullOr types.str;
      default = null;
      defaultText = lib.literalMD "one that is sealed with the key `polder.keys.cookies`";
      example = "clear";
      description = "Stateful services only: which of `polder.fleet.cookies` names the backend.";
    };
    cookieName = mkOption {
      type = types.nullOr types.str;
      default = null;
      defaultText = lib.literalMD "`polder-` and the service's name";
      description = "Stateful services only: the name of the cookie.";
    };
    pass_fields = daemonDefault {
      type = types.nonEmptyListOf types.str;
      example = [ "X-HTTP-Method-Override" ];
      description = ''
        The request fields that this service's backends get although they are withheld otherwise, because programs believe
        them of a gateway ([documents.md](documents.md) has the list).
      '';
    };
    start_grace = daemonDefault {
      type = duration;
      description = "Permanent failover only: how long the active backend has to come up after a cold start.";
    };
    last_resort = daemonDefault {
      type = types.bool;
      description = "Permanent failover only: whether a backend that was failed away from may serve when nothing else is up.";
    };
    failover_drain = daemonDefault {
      type = duration;
      description = "Permanent failover only: how long running requests may finish when an operator says failover.";
    };
  };
}
