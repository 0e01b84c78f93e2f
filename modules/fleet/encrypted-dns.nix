# How the nameservers are asked over encrypted transports.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    transports = mkOption {
      type = types.listOf (
        types.enum [
          "tls"
          "https"
          "quic"
        ]
      );
      default = [
        "tls"
        "quic"
      ];
      description = "What is spoken: DNS over TLS (TCP port 853), over HTTPS (TCP port 443) and over QUIC (UDP port 853).";
    };
    names = mkOption {
      type = types.listOf fleetTypes.domainName;
      default = [ ];
      example = [ "dns.example.net" ];
      description = ''
        The names that the nameservers are reached by over encrypted transports, all of them on one certificate: they get it from the CA
        of `polder.fleet.acme`, which asks them for it (dns-01), and renew it ([certificates.md](certificates.md)).
      '';
    };
    eab =
      fleetTypes.externalAccount
        {
          file = "acme-eab-nameservers";
          on = "nameserver";
        }
        {
          description = ''
            The customer's account that the nameservers' one for ACME belongs to, where `polder.fleet.acme.eab` has that of the proxies: another
            key of the CA, in another file.
          '';
        };
    certificates = mkOption {
      type = types.listOf (
        types.submodule (
          import ./service/certificate.nix {
            inherit lib fleetTypes;
            host = "ns.example.net";
            group = "polder-dns";
          }
        )
      );
      default = [ ];
      description = ''
        What clients are shown besides the certificate for `names`, or instead of it: in files that are on every nameserver at the same path; best for the
        names of the nameservers. The daemon looks at the files every few seconds, and takes what is renewed into use by itself.
      '';
    };
  };
}
