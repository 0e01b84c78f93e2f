# How the backends of a service are connected to.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault mkOptional part;
in
{
  protocol = daemonDefault {
    type = types.enum [
      "http1"
      "h2"
      "h2c"
    ];
    description = "What the backends speak: HTTP/1.1, HTTP/2 over TLS (with `backend_tls`), or HTTP/2 in clear text. For gRPC one of the latter two.";
  };
  backend_tls =
    part
      {
        ca_file = mkOption {
          type = types.path;
          example = lib.literalExpression "./backends-ca.pem";
          description = "The certificates in PEM of the authorities that may have issued a backend's certificate.";
        };
        server_name = daemonDefault {
          type = types.str;
          example = "web.internal";
          description = "The name that a backend's certificate must be for. Without it, the backend's address.";
        };
        client_certificate = mkOptional {
          type = types.submodule (
            import ./certificate.nix {
              inherit lib fleetTypes;
              host = "px.example.net";
            }
          );
          description = "What is shown to a backend that asks for a certificate, in files that are on every proxy.";
        };
      }
      {
        description = ''
          How the backends are connected to and checked over TLS. They are verified always. Without it, in clear text
          ([documents.md](documents.md#servicesnamebackend_tls)).
        '';
      };
  reuse = daemonDefault {
    type = types.enum [
      "never"
      "safe"
      "always"
    ];
    description = ''
      Whose requests go over an idle connection to a backend, as HAProxy's `http-reuse`. Connections that were authenticated (NTLM,
      Negotiate) belong to one visitor in any case.
    '';
  };
  send_proxy = daemonDefault {
    type = types.enum [
      "none"
      "v1"
      "v2"
    ];
    example = "v2";
    description = "Whether connections to backends begin with a header of the PROXY protocol that names the visitor, as HAProxy's `send-proxy` and `send-proxy-v2`. The sites must ask for it, and no connection is then shared by visitors.";
  };
  abort_on_close = daemonDefault {
    type = types.bool;
    description = "Whether a visitor who closes the sending half of the connection is taken for gone while the response has not begun, as HAProxy's `option abortonclose`.";
  };
}
