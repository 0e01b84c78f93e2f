# Which systems a change affects: the derivations of all systems are compared before and after it. Nothing is built.
{
  lib,
  runCommand,
  fleetOf,
}:

let
  systems = fleetOf { };
  paths = module: lib.mapAttrs (_: host: host.config.system.build.toplevel.drvPath) (fleetOf module);
  before = paths { };
  changedBy =
    module:
    let
      after = paths module;
    in
    lib.attrNames (lib.filterAttrs (name: path: path != before.${name}) after);

  zone = builtins.toFile "example.net.zone" (
    lib.replaceStrings [ "2026112301" ] [ "2026112302" ] (
      builtins.readFile ../../../hosts/zones/example.net.zone
    )
  );

  changes = {
    "one service's backends" = {
      module.polder.fleet.services.www.backends = lib.mkForce [ { host = "web-1"; } ];
      touches = [
        "px-ch"
        "px-nl"
      ];
    };
    "one backend more" = {
      # web-3 serves the shop on this port already.
      module.polder.fleet.services.www.backends = [
        {
          host = "web-3";
          port = 8080;
        }
      ];
      touches = [
        "px-ch"
        "px-nl"
      ];
    };
    "a check's interval" = {
      module.polder.fleet.checks.web.interval = "5s";
      touches = [
        "px-ch"
        "px-nl"
      ];
    };
    "a zone" = {
      module.polder.fleet.zones."example.net".file = lib.mkForce zone;
      touches = [
        "ns-ch"
        "ns-nl"
      ];
    };
    "a pool's TTL" = {
      module.polder.fleet.pools."http0.l.example.net".ttl = 60;
      touches = [
        "ns-ch"
        "ns-nl"
      ];
    };
    "a site" = {
      module.polder.fleet.sites.shop.root = lib.mkForce ../../../hosts/www/www;
      touches = [
        "web-2"
        "web-3"
      ];
    };
    "a proxy's setting" = {
      module =
        { config, ... }:
        lib.mkIf (config.networking.hostName == "px-ch") {
          polder.proxy.settings.limits.tries = 2;
        };
      touches = [ "px-ch" ];
    };
    "an admin machine's keys" = {
      # Whom every host lets in.
      module.polder.fleet.hosts.admin-nl.signingKeys = lib.mkForce [
        "admin-nl-2:BWeR2Iu6UlHTZjpolR6PcK0Ti3QHy04L9sTXtqN3Vyo="
      ];
      touches = lib.attrNames before;
    };
    "an operator" = {
      module =
        { config, ... }:
        lib.mkIf (config.networking.hostName == "admin-nl") {
          polder.admin.operators = [ "bob" ];
        };
      touches = [ "admin-nl" ];
    };
    "a host's own key" = {
      # Of interest to who pushes alone.
      module.polder.fleet.hosts.px-nl.hostKey =
        lib.mkForce "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqyxesV1ilMzZVo7QkxLlQtBHJf7lWeNmjnuw7anUmY";
      touches = [ ];
    };
    "the description of a location" = {
      module.polder.fleet.locations.nl.description = lib.mkForce "Rotterdam";
      touches = [ ];
    };
  };

  verdict =
    name: change:
    let
      touched = changedBy change.module;
    in
    if touched == change.touches then
      "ok: ${name} changes ${if touched == [ ] then "nothing" else lib.concatStringsSep ", " touched}"
    else
      throw "${name} should change ${toString change.touches}, and changes ${toString touched}";

  # Whose system brings the source of nixpkgs along: the machines that evaluate the fleet, and no other.
  hasNixpkgs =
    _: host:
    host.config.nixpkgs.flake.setFlakeRegistry or true != false
    || host.config.nixpkgs.flake.setNixPath or true != false
    || host.config.nix.registry or { } ? nixpkgs;
  withNixpkgs = lib.attrNames (lib.filterAttrs hasNixpkgs systems);
  admins = lib.attrNames (lib.filterAttrs (_: host: host.config.polder.admin.enable) systems);

  # Documentation is no input of anything: neither the package nor a system sees it.
  documentation = lib.filter (
    file: lib.hasSuffix ".md" (toString file) || lib.hasInfix "/docs/" (toString file)
  ) (lib.fileset.toList (import ../../../pkgs/source.nix { inherit lib; }));
in
assert lib.assertMsg (
  documentation == [ ]
) "documentation is in the package's source: ${toString documentation}";
assert lib.assertMsg (
  withNixpkgs == admins
) "the source of nixpkgs is part of ${toString withNixpkgs}, and belongs to ${toString admins}";
runCommand "closures"
  {
    verdicts = lib.concatLines (lib.mapAttrsToList verdict changes);
    passAsFile = [ "verdicts" ];
  }
  ''
    cat "$verdictsPath"
    touch $out
  ''
