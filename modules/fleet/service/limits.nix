# How much a service takes: of a request, and of requests.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes)
    daemonDefault
    duration
    part
    ;

  rate = {
    rate = mkOption {
      type = fleetTypes.rate;
      example = "20/s";
      description = "How fast requests may come.";
    };
    burst = daemonDefault {
      type = types.ints.between 1 1000000;
      description = "Requests that may come at once after a quiet while.";
    };
  };

  clientRate = rate // {
    prefix4 = daemonDefault {
      type = types.ints.between 8 32;
      description = "Bits of an IPv4 address that make a client.";
    };
    prefix6 = daemonDefault {
      type = types.ints.between 16 64;
      description = "Bits of an IPv6 address that make a client.";
    };
    entries = daemonDefault {
      type = types.ints.between 8 16777216;
      description = "Clients that are remembered at a time, 8 bytes each.";
    };
    exempt = daemonDefault {
      type = types.listOf types.str;
      example = [ "198.51.100.0/24" ];
      description = "Networks whose clients are not limited.";
    };
  };
in
{
  max_request_body = daemonDefault {
    type = types.ints.between 0 1099511627776;
    example = 10485760;
    description = "Bytes that the body of a request may have; a longer one is answered 413.";
  };
  rate_limit =
    part
      {
        client = part clientRate {
          example.rate = "20/s";
          description = "How many requests each client may send.";
        };
        service = part rate {
          example.rate = "1000/s";
          description = "How many requests all clients together may send.";
        };
      }
      {
        example.client = {
          rate = "20/s";
          burst = 100;
        };
        description = ''
          How many requests the service takes; beyond that they are answered 429 ([limits.md](limits.md#rate-limit)). Each proxy counts
          alone.
        '';
      };
  max_queue = daemonDefault {
    type = types.ints.between 0 1000000;
    description = "Only where a backend has `max_connections`: requests that may queue at a time.";
  };
  queue_timeout = daemonDefault {
    type = duration;
    description = "Only where a backend has `max_connections`: how long a request may queue.";
  };
}
