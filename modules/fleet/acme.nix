# The certificate authority from which services with `tls = "acme"` get their certificates, and the nameservers theirs; key for key as in the
# proxies' document.
{ lib, fleetTypes }:

{ ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault;
in
{
  options = {
    terms_of_service_agreed = mkOption {
      type = types.bool;
      default = false;
      description = "Whether you agree to the terms of service of the CA, which its directory links to. It gives certificates to nobody else.";
    };
    directory = daemonDefault {
      type = types.strMatching "https://.+";
      example = "https://acme-staging-v02.api.letsencrypt.org/directory";
      description = "The URL of the CA's directory. Let's Encrypt if it is not set.";
    };
    contact = daemonDefault {
      type = types.listOf types.str;
      example = [ "hostmaster@example.net" ];
      description = "The addresses of mail at which the CA reaches the owner of the account.";
    };
    eab =
      fleetTypes.externalAccount
        {
          file = "acme-eab";
          on = "proxy";
        }
        {
          description = ''
            The customer's account that the proxies' one for ACME belongs to, if the CA wants one (external account binding). The nameservers
            have an account of their own: `polder.fleet.encrypted_dns.eab`.
          '';
        };
    ca_file = daemonDefault {
      type = types.str;
      description = "Certificates in PEM by which the CA's own https is checked.";
    };
    profile = daemonDefault {
      type = types.str;
      example = "shortlived";
      description = "The kind of certificate, if the CA has several.";
    };
    challenge = daemonDefault {
      type = types.enum [
        "http-01"
        "dns-01"
      ];
      description = ''
        How the CA is convinced that a host is ours, unless a service says otherwise: it asks the proxies on port 80 (`http-01`), or
        the nameservers of the fleet (`dns-01`; the only way to a wildcard), which answer what the proxies tell them.
      '';
    };
  };
}
