# Each bad fleet fails with a message that names the option (or the line) to change.
#
# Assertions are compared as a list of messages. What only a daemon can refuse is given to the daemon. What a type refuses is in
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

  warningsOf = host: module: (fleetOf module).${host}.config.warnings;

  # Two proxies and a nameserver that keep the agreement, in the two places that there are.
  agreed = {
    hosts = [
      "px-nl"
      "px-ch"
      "ns-nl"
    ];
    formed = true;
  };

  mirrorOn =
    host:
    { config, lib, ... }:
    lib.mkIf (config.networking.hostName == host) { polder.svnMirror.enable = true; };

  # A case: the messages of `host` (or its warnings) are to include exactly the ones begun by `says`.
  cases = {
    "an agreement of two hosts" = {
      host = "px-nl";
      fleet.agreement.hosts = [
        "px-nl"
        "px-ch"
      ];
      says = [ "polder.fleet.agreement.hosts: here are 2; name three hosts, or five" ];
    };
    "an agreement of a host that is none, and of one whose role is another" = {
      host = "px-nl";
      fleet.agreement.hosts = [
        "px-nl"
        "web-1"
        "wit-de"
      ];
      says = [
        ''polder.fleet.agreement.hosts: "web-1" is no host with the role proxy, nameserver or witness''
        ''polder.fleet.agreement.hosts: "wit-de" is no host with the role proxy, nameserver or witness''
      ];
    };
    "a witness of nothing" = {
      host = "px-nl";
      fleet.hosts.wit-nl = {
        location = "nl";
        roles = [ "witness" ];
        ipv4 = "192.0.2.51";
      };
      says = [
        "polder.fleet.hosts.wit-nl.roles: a witness runs a member of polder.fleet.agreement.hosts"
      ];
    };
    "an agreement in two places" = {
      host = "px-nl";
      warned = true;
      fleet.agreement = agreed;
      says = [
        "polder.fleet.agreement.hosts: the members are in nl and ch only. When the link between the places is cut, or the place with most of the members (nl)"
      ];
    };
    "the same, said on one host only" = {
      host = "px-ch";
      warned = true;
      fleet.agreement = agreed;
      says = [ ];
    };
    "an agreement in three places" = {
      host = "px-nl";
      warned = true;
      fleet.agreement = agreed;
      fleet.locations.de = { };
      fleet.hosts.ns-nl.location = lib.mkForce "de";
      says = [ ];
    };
    "an agreement that is not used yet" = {
      host = "px-nl";
      warned = true;
      fleet.agreement = {
        hosts = [ "px-nl" ];
      };
      says = [
        "polder.fleet.agreement.hosts: px-nl alone keeps the agreement"
        "polder.fleet.agreement.formed is false: the proxies do not agree there yet"
      ];
    };
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
    "a service with two targets" = {
      host = "px-nl";
      fleet.services.www.redirect.host = "www.example.org";
      says = [
        "polder.fleet.services.www: a service has exactly one of backends, redirect, answer and files, here is: backends, redirect"
      ];
    };
    "a service with none" = {
      host = "px-nl";
      fleet.services.nothing.hosts = [ "nothing.example.net" ];
      says = [
        "polder.fleet.services.nothing: a service has exactly one of backends, redirect, answer and files, here is: none"
      ];
    };
    "backends without a mode" = {
      host = "px-nl";
      fleet.services.www.mode = lib.mkForce null;
      says = [ "polder.fleet.services.www.mode: a service with backends is" ];
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
          polder.keys = lib.mkForce { };
        };
      says = [
        "polder.keys.cookies is missing on px-ch: polder.fleet.services.shop seals its cookie with it"
      ];
    };
    "a sealed cookie without a key" = {
      host = "px-nl";
      fleet.cookies.sealed.key = null;
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
      fleet.cookies.sealed = { };
      fleet.services.www.cookie = "sealed";
      says = [ "polder.fleet.services.www.cookie: only a stateful service has this" ];
    };
    "a certificate from a CA that nobody has named" = {
      host = "px-nl";
      fleet.acme = lib.mkForce null;
      fleet.services.www.tls = lib.mkForce "acme";
      fleet.services.shop.tls = lib.mkForce null;
      says = [
        "polder.fleet.services.www.tls: the certificate is to come from a CA, and polder.fleet.acme does not say from which"
      ];
    };
    "a certificate of nameservers from a CA that nobody has named" = {
      host = "ns-nl";
      fleet.acme = lib.mkForce null;
      fleet.services.www.tls = lib.mkForce null;
      fleet.services.shop.tls = lib.mkForce null;
      fleet.encrypted_dns.names = [ "dns.example.net" ];
      says = [
        "polder.fleet.encrypted_dns.names: the certificate is to come from a CA, and polder.fleet.acme does not say from which"
      ];
    };
    "an account of the proxies alone with a CA that wants customers" = {
      host = "ns-nl";
      fleet.acme = {
        terms_of_service_agreed = true;
        eab = {
          key_id = "kid-1";
          hmac_key_file = "/var/lib/polder-keys/acme-eab";
        };
      };
      fleet.encrypted_dns.names = [ "dns.example.net" ];
      says = [
        "polder.fleet.encrypted_dns.eab: polder.fleet.acme.eab is the proxies', and the nameservers have an account of their own"
      ];
    };
    "a key of proxies and nameservers in one file" = {
      host = "ns-nl";
      fleet.acme = {
        terms_of_service_agreed = true;
        eab = {
          key_id = "kid-1";
          hmac_key_file = "/var/lib/polder-keys/acme-eab";
        };
      };
      fleet.encrypted_dns = {
        names = [ "dns.example.net" ];
        eab = {
          key_id = "kid-2";
          hmac_key_file = "/var/lib/polder-keys/acme-eab";
        };
      };
      says = [
        "polder.fleet.encrypted_dns.eab.hmac_key_file: polder.fleet.acme.eab names the same file"
      ];
    };
    "one of names outside our zones" = {
      host = "ns-nl";
      fleet.acme.terms_of_service_agreed = true;
      fleet.encrypted_dns.names = [ "dns.example.org" ];
      says = [
        "polder.fleet.encrypted_dns.names: the CA asks the nameservers of the fleet, and dns.example.org lies in none of the zones (example.net)"
      ];
    };
    "encrypted transports without a certificate" = {
      host = "ns-nl";
      fleet.encrypted_dns.transports = [ "tls" ];
      says = [
        "polder.fleet.encrypted_dns: clients would be shown no certificate"
      ];
    };
    "a certificate by files and from a CA" = {
      host = "px-nl";
      fleet.acme.terms_of_service_agreed = true;
      fleet.services.www.tls = lib.mkForce {
        acme = { };
        certificates = [
          {
            chain_file = "/a";
            key_file = "/b";
          }
        ];
      };
      says = [ "polder.fleet.services.www.tls: either certificates in files, or acme, and not both" ];
    };
    "a challenge for our nameservers outside their zones" = {
      host = "px-nl";
      fleet.acme.terms_of_service_agreed = true;
      fleet.services.www.hosts = [ "*.example.org" ];
      fleet.services.www.tls = lib.mkForce { acme.challenge = "dns-01"; };
      says = [
        "polder.fleet.services.www.tls: with dns-01 the CA asks the nameservers of the fleet, and *.example.org lies in none of the zones (example.net)"
      ];
    };
    "a certificate of security.acme that the proxy cannot read" = {
      host = "px-nl";
      module = {
        security.acme = {
          acceptTerms = true;
          defaults.email = "hostmaster@example.net";
          certs."www.example.net" = {
            group = "nginx";
            dnsProvider = "rfc2136";
            environmentFile = "/dev/null";
          };
        };
        polder.fleet.services.www.tls = lib.mkForce {
          certificates = [
            {
              chain_file = "/var/lib/acme/www.example.net/fullchain.pem";
              key_file = "/var/lib/acme/www.example.net/key.pem";
            }
          ];
        };
      };
      says = [
        ''security.acme.certs."www.example.net".group is "nginx" on px-nl, and polder-proxy shows this certificate''
      ];
    };
    "one that the nameserver cannot read" = {
      host = "ns-nl";
      module = {
        security.acme = {
          acceptTerms = true;
          defaults.email = "hostmaster@example.net";
          certs."ns.example.net" = {
            dnsProvider = "rfc2136";
            environmentFile = "/dev/null";
          };
        };
        polder.fleet.encrypted_dns.certificates = [
          {
            chain_file = "/var/lib/acme/ns.example.net/fullchain.pem";
            key_file = "/var/lib/acme/ns.example.net/key.pem";
          }
        ];
      };
      says = [
        ''security.acme.certs."ns.example.net".group is "acme" on ns-nl, and polder-dns shows this certificate''
      ];
    };
    "DNS over HTTPS where the proxy listens" = {
      host = "px-nl";
      fleet = {
        hosts.px-nl.roles = lib.mkForce [
          "proxy"
          "nameserver"
        ];
        encrypted_dns = {
          transports = [ "https" ];
          certificates = [
            {
              chain_file = "/var/lib/certificates/chain.pem";
              key_file = "/var/lib/certificates/key.pem";
            }
          ];
        };
      };
      says = [
        ''polder.fleet.encrypted_dns.transports has "https", and px-nl is a nameserver and a proxy''
      ];
    };
    "a zone from a file and from another nameserver" = {
      host = "ns-nl";
      fleet.zones."example.net".primaries = [ { address = "192.0.2.54"; } ];
      says = [
        ''polder.fleet.zones."example.net": the zone comes from a `file`, from `primaries`, or is a `catalog`; exactly one of them must be there''
      ];
    };
    "a zone from nowhere" = {
      host = "ns-nl";
      fleet.zones."example.com" = { };
      says = [
        ''polder.fleet.zones."example.com": the zone comes from a `file`, from `primaries`, or is a `catalog`; exactly one of them must be there''
      ];
    };
    "a zone of others that is to be signed here" = {
      host = "ns-nl";
      fleet.zones."example.com" = {
        primaries = [ { address = "192.0.2.54"; } ];
        dnssec = { };
      };
      says = [
        ''polder.fleet.zones."example.com".dnssec: a zone is signed where its `file` is''
      ];
    };
    "a catalog of nobody" = {
      host = "ns-nl";
      fleet.zones."catalog.example.com" = {
        catalog = { };
        members = { };
      };
      says = [
        ''polder.fleet.zones."catalog.example.com".members: the zone is a catalog of other nameservers, and `primaries` does not say which''
      ];
    };
    "a zone for whoever asks" = {
      host = "ns-nl";
      fleet.zones."example.net".transfer.allow = [ { } ];
      says = [
        ''polder.fleet.zones."example.net".transfer.allow: one of them would give the zone to anybody''
      ];
    };
    "transfers with a key that nobody knows" = {
      host = "ns-nl";
      fleet = {
        zones."example.net".transfer = {
          allow = [ { key = "backup.example.net"; } ];
          notify = [ { address = "192.0.2.53"; } ];
        };
        zones."example.com".primaries = [
          {
            address = "192.0.2.54";
            key = "primary.example.net";
          }
        ];
      };
      says = [
        ''polder.fleet.zones."example.net": key of polder.fleet.tsig "backup.example.net" is not known; there is: none''
        ''polder.fleet.zones."example.com": key of polder.fleet.tsig "primary.example.net" is not known; there is: none''
      ];
    };
    "two keys with one secret, which is nowhere" = {
      host = "ns-nl";
      fleet = {
        tsig."backup.example.net" = { };
        tsig."primary.example.net" = { };
        zones."example.net".transfer.allow = [ { key = "backup.example.net"; } ];
      };
      says = [
        "polder.fleet.tsig: several keys have the same secret in polder.keys"
        "polder.keys.tsig is missing on ns-nl: zones are transferred with the key polder.fleet.tsig.\"backup.example.net\""
      ];
    };
    "a location that nobody has defined" = {
      host = "px-nl";
      fleet.hosts.px-nl.location = lib.mkForce "no";
      says = [
        ''polder.fleet.hosts.px-nl.location: location "no" is not known; there is: ch, nl''
        "polder.fleet.locations.no.ipv4 is not set"
        "polder.fleet.locations.no.ipv6 is not set"
      ];
    };
    "an interface in a network that nobody has described" = {
      host = "web-2";
      fleet.locations.ch.ipv4 = lib.mkForce null;
      says = [
        "polder.fleet.locations.ch.ipv4 is not set, and polder.network.interface of web-2 needs it: it has the address 198.51.100.22"
      ];
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
    "a deploy key on a proxy" = {
      host = "web-1";
      fleet.hosts.px-nl.deployKeys = [
        self.nixosConfigurations.px-nl.config.polder.fleet.hosts.px-nl.hostKey
      ];
      says = [ "polder.fleet.hosts.px-nl.deployKeys: only an admin machine has keys of a push" ];
    };
    "a signing key on a proxy" = {
      host = "web-1";
      fleet.hosts.px-nl.signingKeys = [ "px-nl-1:mbXQTJGCnYtpSlUvabn0/SuDEZAf78OpHd2raZpq/90=" ];
      says = [ "polder.fleet.hosts.px-nl.signingKeys: only an admin machine has keys of a push" ];
    };
    "deploy keys and no signing key" = {
      host = "web-1";
      fleet.hosts.admin-nl.signingKeys = lib.mkForce [ ];
      fleet.hosts.admin-ch.signingKeys = lib.mkForce [ ];
      says = [ "polder.fleet.hosts: an admin machine has deployKeys and none has signingKeys" ];
    };
    "one deploy key for two admin machines" = {
      host = "web-1";
      fleet.hosts.admin-ch.deployKeys = map (
        key: "${key} another comment"
      ) self.nixosConfigurations.web-1.config.polder.fleet.hosts.admin-nl.deployKeys;
      says = [ "polder.fleet.hosts: the deploy key ssh-ed25519 AAAA" ];
    };
    "two signing keys of one name" = {
      host = "web-1";
      fleet.hosts.admin-ch.signingKeys = [ "admin-nl-1:BWeR2Iu6UlHTZjpolR6PcK0Ti3QHy04L9sTXtqN3Vyo=" ];
      says = [ "polder.fleet.hosts: different signingKeys have the name admin-nl-1" ];
    };
    "an sshd that keeps out whoever pushes" = {
      host = "web-1";
      module.services.openssh.settings.AllowUsers = [ "alice" ];
      says = [ "services.openssh.settings: AllowUsers or DenyUsers keeps polder-deploy out" ];
    };
    "a store that trusts whoever pushes" = {
      host = "web-1";
      module.nix.settings.trusted-users = [ "polder-deploy" ];
      says = [ "nix.settings.trusted-users: polder-deploy is in it" ];
    };
    "a store that trusts a group of whoever pushes" = {
      host = "web-1";
      module = {
        users.groups.builders.members = [ "polder-deploy" ];
        nix.settings.trusted-users = [ "@builders" ];
      };
      says = [ "nix.settings.trusted-users: @builders is in it" ];
    };
    "a store that takes what nobody has signed" = {
      host = "web-1";
      module.nix.settings.require-sigs = false;
      says = [ "nix.settings.require-sigs is false" ];
    };
    "a store that whoever pushes may not speak to" = {
      host = "web-1";
      module.nix.settings.allowed-users = [ "root" ];
      says = [ "nix.settings.allowed-users: polder-deploy is not meant by it" ];
    };
    "a mirror on the svn machine" = {
      host = "svn";
      module = mirrorOn "svn";
      says = [ "polder.svnMirror.enable: this host is the svn machine itself" ];
    };
    "a mirror that could not know the svn machine" = {
      host = "admin-ch";
      module = {
        imports = [ (mirrorOn "admin-ch") ];
        polder.fleet.hosts.svn.hostKey = lib.mkForce null;
      };
      says = [ "polder.fleet.hosts.svn.hostKey is not set" ];
    };
    "a mirror of nothing" = {
      host = "admin-ch";
      module = {
        imports = [ (mirrorOn "admin-ch") ];
        polder.fleet.hosts.svn.roles = lib.mkForce [ "backend" ];
      };
      says = [ "polder.svnMirror.enable: there is no svn machine" ];
    };
  };

  verdict =
    name: case:
    let
      module = case.module or { polder = { inherit (case) fleet; }; };
      messages = (if case.warned or false then warningsOf else messagesOf) case.host module;
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
        ${name}: the ${if case.warned or false then "warnings" else "messages"} differ.
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

  # What a zone includes stands in its folder in the store, and nothing else does.
  including =
    (fleetOf {
      polder.fleet.zones."example.net" = {
        file = lib.mkForce (
          pkgs.writeText "including.zone" (
            builtins.readFile ../../../hosts/zones/example.net.zone + "$INCLUDE sub/hosts.inc\n"
          )
        );
        includes."sub/hosts.inc" = pkgs.writeText "hosts.inc" "included IN A 192.0.2.77\n";
      };
    }).ns-nl.config.polder.nameserver.settings;
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
      cp ${(pkgs.formats.json { }).generate "dns.json" including} including.json
      polder-dns --config including.json --check-config
      cat "$verdictsPath"
      touch $out
    ''
  )
