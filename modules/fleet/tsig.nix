# One key that nameservers sign with (TSIG, RFC 8945).
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    algorithm = mkOption {
      type = types.enum [
        "hmac-sha256"
        "hmac-sha384"
        "hmac-sha512"
      ];
      default = "hmac-sha256";
      description = "How messages are signed.";
    };
    key = mkOption {
      type = types.str;
      default = "tsig";
      description = ''
        Which of `polder.keys` has the secret, in base64 on one line: what stands after `secret` in the other nameserver's configuration.
      '';
    };
  };
}
