# A certificate for a host, in files that are on every host of a role.
{
  lib,
  fleetTypes,
  host,
  group ? "polder-proxy",
}:

let
  inherit (lib) mkOption;
in
{
  options.chain_file = mkOption {
    type = fleetTypes.keyPath;
    example = "/var/lib/acme/${host}/fullchain.pem";
    description = "The certificate in PEM, and behind it those that lead to the CA's.";
  };
  options.key_file = mkOption {
    type = fleetTypes.keyPath;
    example = "/var/lib/acme/${host}/key.pem";
    description = "Its private key in PEM. The group `${group}` must be able to read it.";
  };
}
