# The agreement of the proxies on which backend is active: the hosts whose etcd keeps it.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    hosts = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "px-nl"
        "px-ch"
        "wit-de"
      ];
      description = ''
        The hosts that run a member of etcd: three or five, best in as many locations, each with the role proxy, nameserver or
        witness. If empty, there is no agreement: proxies follow their peers. [etcd.md](etcd.md) says how
        hosts join and leave.
      '';
    };
    formed = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the members have found each other. Set it after the first push with `hosts`: from then on the proxies agree there, and a
        member without data (a new host, a new disk) waits to be added to the others, and never begins a cluster of its own.
      '';
    };
    lease = fleetTypes.daemonDefault {
      type = fleetTypes.duration;
      example = "10s";
      description = ''
        For how long a proxy that hears nothing of the agreement goes on serving stateful services, from 2 s to 60 s. It is also what a failover
        waits for where a proxy is silent.
      '';
    };
  };
}
