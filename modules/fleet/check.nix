# One kind of active health probe.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) types;
  inherit (fleetTypes) daemonDefault duration;
in
{
  options = {
    type = daemonDefault {
      type = types.enum [
        "http"
        "tcp"
      ];
      description = "`http`: GET of the path. `tcp`: a connection that opens is a success.";
    };
    port = daemonDefault {
      type = types.port;
      example = 8080;
      description = "The port that is probed; without it that of the backend.";
    };
    path = daemonDefault {
      type = types.strMatching "/.*";
      example = "/healthz";
      description = "What is asked for.";
    };
    host = daemonDefault {
      type = types.str;
      example = "www.example.net";
      description = "The `Host` that is sent.";
    };
    expect = daemonDefault {
      type = types.strMatching "[0-9,-]+";
      example = "200-299";
      description = "The statuses that are a success.";
    };
    interval = daemonDefault {
      type = duration;
      example = "2s";
      description = "Between two probes of a settled target.";
    };
    fast_interval = daemonDefault {
      type = duration;
      example = "500ms";
      description = "Between two probes of a target in transition.";
    };
    timeout = daemonDefault {
      type = duration;
      example = "1s";
      description = "How long a probe may take in all.";
    };
    rise = daemonDefault {
      type = types.ints.between 1 100;
      example = 2;
      description = "Consecutive successes that bring a target up.";
    };
    fall = daemonDefault {
      type = types.ints.between 1 100;
      example = 3;
      description = "Consecutive failures that take it down.";
    };
  };
}
