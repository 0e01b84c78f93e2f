# One machine of the fleet.
{ lib, fleetTypes }:

{ config, ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    location = mkOption {
      type = types.str;
      example = "nl";
      description = "Where it stands: one of `polder.fleet.locations`.";
    };
    roles = mkOption {
      type = types.listOf (
        types.enum [
          "nameserver"
          "proxy"
          "backend"
          "admin"
          "svn"
        ]
      );
      default = [ ];
      example = [ "proxy" ];
      description = "What it does. Each role brings its daemon, its users, its state directory and its ports in the firewall.";
    };
    ipv4 = mkOption {
      type = types.nullOr fleetTypes.ipv4;
      default = null;
      example = "192.0.2.11";
      description = "Its IPv4 address, at which the other hosts and, for proxies and nameservers, visitors reach it.";
    };
    ipv6 = mkOption {
      type = types.nullOr fleetTypes.ipv6;
      default = null;
      example = "2001:db8::11";
      description = "Its IPv6 address. Hosts reach each other over IPv4 where they have it.";
    };

    addresses = mkOption {
      type = types.listOf types.str;
      internal = true;
      readOnly = true;
      default = lib.filter (address: address != null) [
        config.ipv4
        config.ipv6
      ];
      description = "Those of the two that it has.";
    };
    socket = mkOption {
      type = types.functionTo types.str;
      internal = true;
      readOnly = true;
      default =
        port:
        if config.ipv4 != null then
          "${config.ipv4}:${toString port}"
        else
          "[${config.ipv6}]:${toString port}";
      description = "The address and port at which other hosts reach a port of it.";
    };
  };
}
