# One service: what visitors reach under host names (and path prefixes), and what answers.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  parts = [
    ./service/access.nix
    ./service/compression.nix
    ./service/connections.nix
    ./service/failover.nix
    ./service/headers.nix
    ./service/limits.nix
    ./service/retries.nix
    ./service/targets.nix
    ./service/tls.nix
  ];
in
{
  options = lib.mergeAttrsList (map (file: import file { inherit lib fleetTypes; }) parts) // {
    hosts = mkOption {
      type = types.nonEmptyListOf fleetTypes.serviceHost;
      example = [
        "www.example.net"
        "*.pages.example.net"
      ];
      description = "The host names of the service. `*` is whatever no other service has.";
    };
    paths = fleetTypes.daemonDefault {
      type = types.nonEmptyListOf (types.strMatching "/.*");
      example = [ "/shop" ];
      description = "The path prefixes of the service, in whole segments: `/shop` matches `/shop/cart` and not `/shopping`.";
    };
    backends = mkOption {
      type = types.listOf (types.submodule (import ./service/backend.nix { inherit lib fleetTypes; }));
      default = [ ];
      example = [
        { host = "web-1"; }
        {
          host = "web-2";
          backup = true;
        }
      ];
      description = "The webservers, in order of preference. A service has either these, or one of `redirect`, `answer` and `files`.";
    };
  };
}
