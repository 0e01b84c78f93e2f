# One pool: a DNS name whose addresses are the proxies in it.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault mkOptional part;
in
{
  options = {
    members = mkOptional {
      type = types.listOf types.str;
      defaultText = lib.literalMD "every host with the role proxy";
      example = [
        "px-nl"
        "px-ch"
      ];
      description = "The proxies whose addresses are answered: at least two.";
    };
    aliases = mkOption {
      type = types.listOf fleetTypes.domainName;
      default = [ ];
      example = [ "example.net" ];
      description = "Further names that are answered from this pool, such as the apex of a zone, which cannot be a CNAME.";
    };
    ttl = daemonDefault {
      type = types.ints.between 0 86400;
      example = 60;
      description = "For how many seconds resolvers may cache the addresses. Some visitors try a failed proxy for that long.";
    };
    nearby_at_least = daemonDefault {
      type = types.ints.between 1 100;
      example = 1;
      description = ''
        From how many proxies on, up and in the location of a client (`polder.fleet.locations.<name>.clients`), these are answered alone. With 1, a
        visitor whose one address fails has no other for as long as the TTL.
      '';
    };
    when_all_down = daemonDefault {
      type =
        types.either
          (types.enum [
            "all"
            "last"
            "empty"
          ])
          (
            types.submodule {
              options.fallback = mkOption {
                type = types.listOf fleetTypes.ipAddress;
                description = "The addresses to answer.";
              };
            }
          );
      example = "last";
      description = "What is answered when no member is up: all members, those of the last answer that was not empty, no address, or fixed addresses.";
    };
    keep_answer = daemonDefault {
      type = fleetTypes.duration;
      example = "30m";
      description = "For how long a nameserver that finds no member up, and hears no peer that could say more, keeps the answer from before, until `when_all_down` decides; `0s`: not at all.";
    };
    https =
      part
        {
          alpn = daemonDefault {
            type = types.listOf fleetTypes.httpsProtocol;
            example = [ "h2" ];
            description = "The protocols besides HTTP/1.1, those that are preferred first.";
          };
          port = daemonDefault {
            type = types.port;
            example = 8443;
            description = "The port.";
          };
          alpn_of = mkOption {
            type = types.attrsOf (types.listOf fleetTypes.httpsProtocol);
            default = { };
            example = {
              px-ch = [ ];
            };
            description = "The protocols of single members that speak others than `alpn` says.";
          };
        }
        {
          description = ''
            The HTTPS record beside the addresses (RFC 9460), by which browsers connect at once by the best protocol, and only over https:
            every site that leads to the pool must be served so. Its hints are the addresses that are answered, its protocols those that
            all of these members speak. Without it, the zone's own, if there is one.
          '';
        };
    check = mkOption {
      type = types.str;
      default = "ready";
      description = "Which of `polder.fleet.checks` probes each address of each member. The check must have a port.";
    };
    check_tls =
      part
        {
          ca_file = daemonDefault {
            type = types.path;
            example = "/etc/ssl/certs/ca-certificates.crt";
            description = "The certificates in PEM of the authorities that may have issued a proxy's certificate. Needed unless `verify` is false.";
          };
          server_name = daemonDefault {
            type = types.str;
            example = "www.example.net";
            description = "The name that a proxy's certificate must be for, and that the check names. Without it, the proxy's address.";
          };
          client_certificate = mkOptional {
            type = types.submodule (
              import ./service/certificate.nix {
                inherit lib fleetTypes;
                host = "ns.example.net";
                group = "polder-dns";
              }
            );
            description = "What is shown to a proxy that asks for a certificate, in files that are on every nameserver.";
          };
          verify = daemonDefault {
            type = types.bool;
            example = false;
            description = "Whether a proxy has to prove who it is.";
          };
        }
        {
          description = ''
            Members are probed over TLS, as visitors of https come, at the port of their check
            ([documents.md](documents.md#poolsnamechecktls)).
          '';
        };
  };
}
