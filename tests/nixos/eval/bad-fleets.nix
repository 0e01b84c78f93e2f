# Each bad fleet fails with a message that names the option (or the line) to change.
#
# Assertions are read as the list that they are. What only the daemon can see is built, and must fail. What a type refuses is in
# type-errors.nix.
{
  lib,
  pkgs,
  runCommand,
  fleetOf,
  self,
}:

let
  messagesOf =
    host: module:
    map (assertion: assertion.message) (
      lib.filter (assertion: !assertion.assertion) (fleetOf module).${host}.config.assertions
    );

  # A case: the messages of `host` are to include exactly the ones begun by `says`.
  cases = {
    "a stateful service without a backup" = {
      host = "px-nl";
      fleet.services.shop.backends = lib.mkForce [
        {
          host = "web-2";
          port = 8080;
        }
      ];
      says = [ "polder.fleet.services.shop: a stateful service without a backup" ];
    };
    "a stateful service with two primaries" = {
      host = "px-nl";
      fleet.services.shop.backends = [
        {
          host = "web-1";
          port = 80;
        }
      ];
      says = [ "polder.fleet.services.shop.backends: permanent failover has one primary" ];
    };
    "a pool with one member" = {
      host = "ns-nl";
      fleet.pools."http0.l.example.net".members = [ "px-nl" ];
      says = [ ''polder.fleet.pools."http0.l.example.net": fewer than two members (px-nl)'' ];
    };
    "a pool in nobody's zone" = {
      host = "ns-nl";
      fleet.pools."http0.example.org" = { };
      says = [
        ''polder.fleet.pools."http0.example.org": the name lies in none of the zones (example.net)''
      ];
    };
    "a zone with one nameserver" = {
      host = "ns-nl";
      fleet.zones."example.net".nameservers = [ "ns-nl" ];
      says = [ ''polder.fleet.zones."example.net": fewer than two nameservers (ns-nl)'' ];
    };
    "two backends with one cookie value" = {
      host = "px-nl";
      fleet.services.shop.backends = [
        {
          name = "again";
          host = "web-3";
          port = 8080;
          backup = true;
        }
      ];
      says = [
        "polder.fleet.services.shop.backends: 192.0.2.23:8080 stands twice: two backends with one cookie value"
      ];
    };
    "two backends with one name" = {
      host = "px-nl";
      fleet.services.www.backends = [
        {
          host = "web-2";
          port = 8080;
        }
      ];
      says = [ "polder.fleet.services.www.backends: the name web-2 stands twice" ];
    };
    "a cookie key missing on one proxy" = {
      host = "px-ch";
      module =
        { config, lib, ... }:
        lib.mkIf (config.networking.hostName == "px-ch") {
          polder.keys = lib.mkForce { peers = "/keys/peers"; };
        };
      says = [
        "polder.keys.cookies is missing on px-ch: polder.fleet.services.shop seals its cookie with it"
      ];
    };
    "no key for the peers" = {
      host = "ns-nl";
      module = {
        polder.keys = lib.mkForce { };
      };
      says = [ "polder.keys.peers is missing on ns-nl" ];
    };
    "a sealed cookie without a key" = {
      host = "px-nl";
      fleet.cookies.sealed.key = lib.mkForce null;
      says = [ "polder.fleet.cookies.sealed: a sealed cookie needs a key" ];
    };
    "a backend that is no backend" = {
      host = "px-nl";
      fleet.services.www.backends = [ { host = "ns-nl"; } ];
      says = [ ''polder.fleet.services.www.backends: "ns-nl" is no host with the role backend'' ];
    };
    "a backend on which nothing serves the port" = {
      host = "web-1";
      fleet.services.www.backends = lib.mkForce [
        {
          host = "web-1";
          port = 81;
        }
      ];
      says = [ "polder.fleet.services.www.backends: nothing on web-1 serves port 81" ];
    };
    "a check that nobody has defined" = {
      host = "px-nl";
      fleet.services.www.check = lib.mkForce "wbe";
      says = [ ''polder.fleet.services.www.check: check "wbe" is not known; there is: ready, web'' ];
    };
    "a cookie for a stateless service" = {
      host = "px-nl";
      fleet.services.www.cookie = "sealed";
      says = [ "polder.fleet.services.www.cookie: only a stateful service has this" ];
    };
    "a location that nobody has defined" = {
      host = "px-nl";
      fleet.hosts.px-nl.location = lib.mkForce "no";
      says = [ ''polder.fleet.hosts.px-nl.location: location "no" is not known; there is: ch, nl'' ];
    };
    "two hosts with one address" = {
      host = "px-nl";
      fleet.hosts.web-1.ipv4 = lib.mkForce "192.0.2.23";
      says = [ "polder.fleet.hosts: web-1, web-3 have the same address 192.0.2.23" ];
    };
    "a system that is no host of the fleet" = {
      host = "px-nl";
      module.polder.host = "px-no";
      says = [ ''polder.host: "px-no" is not in polder.fleet.hosts'' ];
    };
    "a site on a proxy's port" = {
      host = "px-nl";
      fleet.hosts.px-nl.roles = [ "backend" ];
      fleet.sites.www.on = [ "px-nl" ];
      says = [ "polder.fleet.sites: a site on port 80 is on px-nl" ];
    };
    "a resolver on a nameserver's port" = {
      host = "ns-nl";
      module = {
        services.resolved.enable = true;
      };
      says = [ "services.resolved.enable: systemd-resolved listens on port 53 of ns-nl" ];
    };
  };

  verdict =
    name: case:
    let
      module = case.module or { polder = { inherit (case) fleet; }; };
      messages = messagesOf case.host module;
      said = message: lib.any (beginning: lib.hasPrefix beginning message) case.says;
      missing = lib.filter (
        beginning: !lib.any (message: lib.hasPrefix beginning message) messages
      ) case.says;
      others = lib.filter (message: !said message) messages;
    in
    if missing == [ ] && others == [ ] then
      "ok: ${name}"
    else
      throw ''
        ${name}: the messages differ.
        wanted: ${lib.concatStringsSep "\n        " case.says}
        found:  ${lib.concatStringsSep "\n        " messages}
      '';

  good = lib.concatMap (host: messagesOf host { }) (lib.attrNames self.nixosConfigurations);

  # What only the daemon can judge fails the build of its document: the very text that the build runs is run here.
  badZone = pkgs.writeText "bad.zone" (
    builtins.readFile ../../../hosts/zones/example.net.zone + "\nbroken IN A 192.0.2.300\n"
  );
  badLine = toString (
    lib.length (lib.splitString "\n" (builtins.readFile ../../../hosts/zones/example.net.zone)) + 1
  );
  refused = {
    "a bad zone line" = {
      daemon = "polder-dns";
      file = "dns.json";
      settings = (fleetOf { }).ns-nl.config.polder.nameserver.settings // {
        zones."example.net".file = "${badZone}";
      };
      says = "bad.zone:${badLine}:";
    };
    "an unknown key among the settings" = {
      daemon = "polder-proxy";
      file = "proxy.json";
      settings =
        (fleetOf {
          polder.proxy.settings.timeouts.conect = "1s";
        }).px-nl.config.polder.proxy.settings;
      says = ''timeouts.conect: unknown key; did you mean "connect"?'';
    };
  };
in
runCommand "bad-fleets"
  {
    verdicts = lib.concatLines (lib.mapAttrsToList verdict cases);
    passAsFile = [ "verdicts" ];
    nativeBuildInputs = [ self.packages.${pkgs.stdenv.hostPlatform.system}.polder ];
  }
  (
    assert lib.assertMsg (good == [ ]) "the example fleet: ${lib.concatLines good}";
    lib.concatStrings (
      lib.mapAttrsToList (name: case: ''
        cp ${(pkgs.formats.json { }).generate case.file case.settings} ${case.file}
        if ${case.daemon} --config ${case.file} --check-config > said 2>&1; then
          echo "${name}: ${case.daemon} did not refuse it" >&2
          exit 1
        fi
        if ! grep -F ${lib.escapeShellArg case.says} said; then
          echo "${name}: not said: "${lib.escapeShellArg case.says} >&2
          cat said >&2
          exit 1
        fi
      '') refused
    )
    + ''
      cat "$verdictsPath"
      touch $out
    ''
  )
