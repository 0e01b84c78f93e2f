# One DNS zone.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) mkOptional part;
  primary = types.submodule {
    options = {
      address = mkOption {
        type = types.str;
        example = "192.0.2.54";
        description = "Where it listens; port 53 if none is named, 853 with `tls`.";
      };
      key = mkOptional {
        type = types.str;
        example = "primary.example.net";
        defaultText = lib.literalMD "none";
        description = "The key of `polder.fleet.tsig` that messages both ways are signed with.";
      };
      tls =
        part
          {
            ca_file = mkOption {
              type = types.path;
              example = "/etc/ssl/certs/ca-certificates.crt";
              description = "The certificates in PEM of the authorities that may have issued the primary's; its own, where nobody has, if that is not one of an authority.";
            };
            server_name = mkOptional {
              type = types.str;
              example = "ns1.example.org";
              defaultText = lib.literalMD "its address";
              description = "The name that its certificate must be for.";
            };
            client_certificate = mkOptional {
              type = types.submodule (
                import ./service/certificate.nix {
                  inherit lib fleetTypes;
                  host = "ns.example.net";
                  group = "polder-dns";
                }
              );
              defaultText = lib.literalMD "none";
              description = "What it is shown if it asks for a certificate, in files that are on every nameserver.";
            };
          }
          {
            defaultText = lib.literalMD "none: in clear text";
            description = ''
              The zone comes over TLS (RFC 9103), from whoever proves to be this primary
              ([documents.md](documents.md#zonesnameprimariestls)).
            '';
          };
    };
  };
in
{
  options = {
    file = mkOptional {
      type = types.path;
      example = lib.literalExpression "./zones/example.net.zone";
      defaultText = lib.literalMD "none: the zone comes from `primaries`, or is a `catalog`";
      description = ''
        The master file (RFC 1035), with the SOA and NS records. If the nameserver would refuse a line of it, the build fails and
        names the line.
      '';
    };
    primaries = mkOptional {
      type = types.nonEmptyListOf primary;
      defaultText = lib.literalMD "none: the zone comes from `file`, or is a `catalog`";
      description = ''
        The nameservers that the zone comes from by transfers (AXFR, IXFR), instead of from a `file`; they tell when there is something new (NOTIFY).
        The first one is asked first. No pool can be in such a zone.
      '';
    };
    catalog = mkOptional {
      type = types.submodule {
        options = {
          zones = mkOptional {
            type = types.listOf types.str;
            example = [ "example.net" ];
            defaultText = lib.literalMD "every zone that has `transfer`";
            description = "The zones that it lists; each has `transfer`, and the same nameservers as the catalog.";
          };
          groups = mkOptional {
            type = types.attrsOf types.str;
            example = {
              "example.net" = "signed";
            };
            defaultText = lib.literalMD "none";
            description = "By zone, its group (RFC 9432, 4.3.2): a word by which the other side chooses how it serves the zone.";
          };
        };
      };
      example = { };
      defaultText = lib.literalMD "none: the zone comes from `file` or `primaries`";
      description = ''
        Makes the zone a catalog (RFC 9432) of other zones, by which nameservers of other people (Knot, BIND, NSD from 4.9 on) learn what to serve:
        whoever gets it by `transfer` serves what it lists. It is answered to nobody else.
      '';
    };
    members = mkOptional {
      type = types.submodule {
        options = {
          primaries = mkOptional {
            type = types.nonEmptyListOf primary;
            defaultText = lib.literalMD "those of the catalog";
            description = "The nameservers that the zones come from.";
          };
          checks = mkOptional {
            type = types.enum [
              "lenient"
              "strict"
            ];
            defaultText = lib.literalMD "the daemon's: `lenient`";
            description = "As that of a zone.";
          };
          transfer = mkOptional {
            type = types.submodule { imports = [ (import ./transfer.nix { inherit lib fleetTypes; }) ]; };
            defaultText = lib.literalMD "nobody gets them";
            description = "Who gets the zones, and who is told of a new serial.";
          };
        };
      };
      example = { };
      defaultText = lib.literalMD "none: the zone is no catalog";
      description = ''
        Beside `primaries`: the zone is a catalog (RFC 9432) of theirs, and the zones that it lists are served too, as this says. Whoever writes the catalog
        decides what is answered, so its primaries need a key.
      '';
    };
    checks = mkOptional {
      type = types.enum [
        "lenient"
        "strict"
      ];
      defaultText = lib.literalMD "the daemon's: `lenient`";
      description = ''
        What is done about text that can be served and is hardly meant, such as an MX that points to an alias: `lenient` warns,
        `strict` refuses the zone.
      '';
    };
    dnssec =
      part
        {
          keys = mkOption {
            type = fleetTypes.keyPath;
            default = "/var/lib/polder-keys/dnssec";
            description = ''
              The folder of the zone's keys on every nameserver, as `polder dnssec keygen` writes them; those of other zones may be in it. One below
              /var/lib/polder-keys is given to the daemon, with all that is in it, at each switch. It must never be in the store.
            '';
          };
          lifetime = fleetTypes.daemonDefault {
            type = fleetTypes.duration;
            example = "30d";
            description = "For how long a signature is good. It is made anew when a third is left.";
          };
          denial = fleetTypes.daemonDefault {
            type = types.enum [
              "nsec"
              "nsec3"
            ];
            description = ''
              How it is proved that there is no such name or type. With NSEC whoever wants to learns all names of the zone; with NSEC3 he has to guess them.
            '';
          };
          serial = fleetTypes.daemonDefault {
            type = types.enum [
              "file"
              "hourly"
            ];
            description = ''
              Which serial is served: that of the file, or that and a number that grows by the hour, so that it rises with the signatures and copies get new ones.
            '';
          };
          zonemd = fleetTypes.daemonDefault {
            type = types.bool;
            description = ''
              Whether the zone has a digest of itself (ZONEMD, RFC 8976), by which whoever gets it knows that he has all of it. Not in a zone with a pool's
              name, of which the addresses change without it.
            '';
          };
        }
        {
          defaultText = lib.literalMD "none: it is answered as its file has it";
          example = { };
          description = ''
            Beside `file`: the nameservers sign the zone ([dnssec.md](dnssec.md)). All of them have the same keys, which they need before this is pushed.
          '';
        };
    includes = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression ''{ "sub/hosts.inc" = ./zones/sub/hosts.inc; }'';
      description = ''
        The files that the master file includes, by their paths relative to its directory, as `$INCLUDE` names them. They are
        put into the zone's directory in the store; the daemon reads nothing outside of it.
      '';
    };
    transfer = mkOptional {
      type = types.submodule { imports = [ (import ./transfer.nix { inherit lib fleetTypes; }) ]; };
      defaultText = lib.literalMD "nobody gets it";
      description = "Who gets the whole zone (AXFR), and who is told of a new serial (NOTIFY).";
    };
    nameservers = mkOptional {
      type = types.listOf types.str;
      defaultText = lib.literalMD "every host with the role nameserver";
      example = [
        "ns-nl"
        "ns-ch"
      ];
      description = "The hosts that answer for the zone: at least two.";
    };
  };
}
