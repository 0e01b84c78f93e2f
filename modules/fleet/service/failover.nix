# Which of its backends a service uses.
{ lib, fleetTypes }:

let
  inherit (lib) types;
  inherit (fleetTypes) daemonDefault duration mkOptional;
in
{
  mode = mkOptional {
    type = types.enum [
      "stateless"
      "stateful"
    ];
    example = "stateless";
    description = "With `backends`: whether visitors must stay on one of them (`stateful`) or not.";
  };
  failover = daemonDefault {
    type = types.enum [
      "permanent"
      "automatic"
    ];
    description = ''
      Stateful services only. With `permanent`, there is one primary and an ordered list of backups: the service fails over to a
      backup and stays there until an operator fails it back. With `automatic`, there are several primaries and a cookie keeps
      each visitor on one.
    '';
  };
  balance = daemonDefault {
    type = types.enum [
      "round-robin"
      "least-connections"
      "random-two-choices"
    ];
    description = "How requests are distributed over the primaries when neither a cookie nor the latch decides.";
  };
  check = mkOptional {
    type = types.str;
    defaultText = lib.literalMD "`GET /` with the daemon's own times";
    example = "web";
    description = "Which of `polder.fleet.checks` probes the backends.";
  };
  cookie = mkOptional {
    type = types.str;
    defaultText = lib.literalMD "one that is sealed with the key `polder.keys.cookies`";
    example = "clear";
    description = "Stateful services only: which of `polder.fleet.cookies` keeps visitors on their backend.";
  };
  cookieName = mkOptional {
    type = types.str;
    defaultText = lib.literalMD "`polder-` and the service's name";
    description = "Stateful services only: the name of the cookie.";
  };
  slow_start = daemonDefault {
    type = duration;
    example = "30s";
    description = "Not with permanent failover: in which time the weight of a backend that has come up grows to what it is, as with HAProxy's `slowstart`.";
  };
  start_grace = daemonDefault {
    type = duration;
    description = "Permanent failover only: how long to wait for the active backend to come up after a start of the proxy, or after a reload that names a new target for it, before failing over.";
  };
  without_agreement = daemonDefault {
    type = types.enum [
      "stop"
      "keep"
    ];
    example = "keep";
    description = ''
      Permanent failover only, in a fleet with `polder.fleet.agreement`: what a proxy does that has no part in the agreement, because it is
      cut off or because the agreement has no majority. With `stop` it answers 503, so that two backends never answer visitors at once.
      With `keep` it goes on with the backend that was active last, and fails over to none.
    '';
  };
  last_resort = daemonDefault {
    type = types.bool;
    description = "Permanent failover only: whether a backend that the service has failed away from may serve when nothing else is up.";
  };
  failover_drain = daemonDefault {
    type = duration;
    description = "Permanent failover only: how long requests in progress may finish when an operator orders a failover.";
  };
}
