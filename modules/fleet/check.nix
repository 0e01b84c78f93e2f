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
      description = "`http` sends a GET request for `path`; with `tcp`, a connection that opens is a success.";
    };
    port = daemonDefault {
      type = types.port;
      example = 8080;
      description = "The port to probe instead of the backend's own.";
    };
    path = daemonDefault {
      type = types.strMatching "/.*";
      example = "/healthz";
      description = "The path to request.";
    };
    host = daemonDefault {
      type = types.str;
      example = "www.example.net";
      description = "The `Host` field of the request.";
    };
    expect = daemonDefault {
      type = types.strMatching "[0-9,-]+";
      example = "200-299";
      description = "The status codes that count as a success.";
    };
    interval = daemonDefault {
      type = duration;
      example = "2s";
      description = "The time between two probes of a target whose state is settled.";
    };
    fast_interval = daemonDefault {
      type = duration;
      example = "500ms";
      description = "The time between two probes of a target that is about to change state.";
    };
    timeout = daemonDefault {
      type = duration;
      example = "1s";
      description = "How long a probe may take.";
    };
    send_proxy = daemonDefault {
      type = types.enum [
        "none"
        "v1"
        "v2"
      ];
      description = "The header of the PROXY protocol that a probe begins with: as its service's `send_proxy`, unless the probe has a port of its own.";
    };
    rise = daemonDefault {
      type = types.ints.between 1 100;
      example = 2;
      description = "How many consecutive successes bring a target up.";
    };
    fall = daemonDefault {
      type = types.ints.between 1 100;
      example = 3;
      description = "How many consecutive failures take a target down.";
    };
  };
}
