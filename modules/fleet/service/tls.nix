# How visitors come to a service over TLS, and what they are told about it.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes)
    daemonDefault
    duration
    mkOptional
    part
    ;

  tls.options = {
    certificates = mkOptional {
      type = types.nonEmptyListOf (
        types.submodule (
          import ./certificate.nix {
            inherit lib fleetTypes;
            host = "www.example.net";
          }
        )
      );
      description = "The certificates of the service, in files that are on every proxy. They are read again when they change.";
    };
    acme =
      part
        {
          challenge = mkOptional {
            type = types.enum [
              "http-01"
              "dns-01"
            ];
            defaultText = lib.literalMD "that of `polder.fleet.acme`";
            description = "How the CA is convinced that the hosts are ours. A host with `*.` needs `dns-01`.";
          };
        }
        {
          example.challenge = "dns-01";
          description = "Instead of `certificates`: the proxies get the certificate from the CA of `polder.fleet.acme`, and renew it.";
        };
    client_certificates =
      part
        {
          mode = daemonDefault {
            type = types.enum [
              "optional"
              "required"
            ];
            description = "What becomes of requests of visitors who have shown no certificate: they are served, or refused.";
          };
          ca_file = mkOption {
            type = types.path;
            example = lib.literalExpression "./staff-ca.pem";
            description = "The certificates in PEM of the authorities that may have issued a visitor's.";
          };
          crl_file = daemonDefault {
            type = fleetTypes.keyPath;
            example = "/var/lib/staff-ca/crl.pem";
            description = "Lists of the certificates that they have revoked, in PEM, in a file that is on every proxy. It is read again when it changes.";
          };
        }
        {
          description = ''
            Visitors are asked for certificates of their own, and backends are told whose they are
            ([documents.md](documents.md#servicesnametlsclient_certificates)).
          '';
        };
  };
in
{
  tls = mkOptional {
    type = types.either (types.enum [ "acme" ]) (types.submodule tls);
    example = "acme";
    description = ''
      How the service is reached over TLS, on port 443, too: with certificates in files, or with one that the proxies get by
      themselves from the CA of `polder.fleet.acme` (`"acme"`). Without it, in clear text alone.
    '';
  };
  https = daemonDefault {
    type = types.enum [
      "optional"
      "redirect"
    ];
    description = "Only with `tls`: whether visitors in clear text are served, or sent to https.";
  };
  hsts =
    part
      {
        max_age = daemonDefault {
          type = duration;
          example = "730d";
          description = "For how long browsers come over https alone. Begin with an hour; `0s` takes it back.";
        };
        include_subdomains = daemonDefault {
          type = types.bool;
          description = "That holds for every name below the hosts, too, whoever serves it.";
        };
        preload = daemonDefault {
          type = types.bool;
          description = "Browsers may have it built in (hstspreload.org): needs 365 days and `include_subdomains`.";
        };
      }
      {
        example = { };
        description = "Only with `tls`: what browsers are told of the next visits (Strict-Transport-Security).";
      };
}
