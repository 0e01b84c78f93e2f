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
      description = ''
        What clients are shown, in files that are on every nameserver at the same path; best for the names of the nameservers. The daemon looks at the files
        every few seconds, and takes what is renewed into use by itself.
      '';
    };
  };
}
