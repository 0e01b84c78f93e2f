# What becomes of a request that a backend could not answer.
{ lib, fleetTypes }:

let
  inherit (lib) types;
  inherit (fleetTypes) daemonDefault duration;
in
{
  retries = daemonDefault {
    type = types.ints.between 0 10;
    description = "How often to try again, after the first attempt, when no connection to a backend can be opened.";
  };
  redispatch = daemonDefault {
    type = types.enum [
      "never"
      "last"
      "first"
    ];
    description = "For which retry a visitor with a valid cookie leaves a backend that refuses connections and is still up, as HAProxy's `option redispatch`.";
  };
  retry_on = daemonDefault {
    type = types.listOf (
      types.enum [
        "empty-response"
        "junk-response"
        "response-timeout"
        "502"
        "503"
        "504"
      ]
    );
    example = [
      "empty-response"
      "503"
    ];
    description = "After what a request that may be sent twice is sent to another backend, as HAProxy's `retry-on` ([limits.md](limits.md#retries)).";
  };
  retry_budget = daemonDefault {
    type = types.ints.between 1 100;
    description = "Of a hundred requests of the last ten seconds, how many may be sent again, hedges included.";
  };
  try_timeout = daemonDefault {
    type = duration;
    example = "5s";
    description = "How long one attempt may take to the end of the response's head.";
  };
  hedge_after = daemonDefault {
    type = duration;
    example = "200ms";
    description = "After which time without a response's head a copy of a request that may be sent twice goes to another backend ([limits.md](limits.md#hedges)).";
  };
}
