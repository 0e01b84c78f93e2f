# Which visitors a service serves.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault duration part;

  # A network, or a file of them.
  networks = types.nonEmptyListOf (
    types.either types.str (
      types.submodule {
        options.file = mkOption {
          type = types.path;
          example = "/var/lib/blocklist/blocked.networks";
          description = "A file with a network a line: one of the fleet, or one on every proxy, as a string. It is read again when it changes.";
        };
      }
    )
  );
in
{
  allow = daemonDefault {
    type = networks;
    example = [
      "10.0.0.0/8"
      "2001:db8::/32"
    ];
    description = ''
      The networks, or files of networks, whose visitors are served; all others are answered 403. The most specific network of `allow` and `deny`
      decides ([access.md](access.md#networks)).
    '';
  };
  deny = daemonDefault {
    type = networks;
    example = [
      "10.66.0.0/16"
      { file = "/var/lib/blocklist/blocked.networks"; }
    ];
    description = "The networks, or files of networks, whose visitors are answered 403.";
  };
  basic_auth =
    part
      {
        users_file = mkOption {
          type = fleetTypes.keyPath;
          example = "/run/secrets/wiki-users";
          description = "Lines of `NAME:HASH` (`htpasswd -nB NAME`), in a file that is on every proxy. It is read again when it changes.";
        };
        realm = daemonDefault {
          type = types.str;
          example = "The staff";
          description = "What browsers show to whom they ask.";
        };
        pass = daemonDefault {
          type = types.bool;
          description = "Whether backends get the `Authorization` field, too.";
        };
      }
      {
        description = "Visitors show a name and a password ([access.md](access.md#passwords)).";
      };
  forward_auth =
    part
      {
        address = daemonDefault {
          type = types.str;
          example = "127.0.0.1:9091";
          description = "Where the server is asked, in clear text: an address and a port. Either this or `service`.";
        };
        service = daemonDefault {
          type = types.str;
          example = "auth";
          description = "The service whose backends are asked, with their checks and TLS.";
        };
        path = daemonDefault {
          type = types.strMatching "/.*";
          example = "/api/authz/forward-auth";
          description = "What it is asked for.";
        };
        host = daemonDefault {
          type = types.str;
          example = "auth.example.net";
          description = "The `Host` of each question; required with `service`.";
        };
        timeout = daemonDefault {
          type = duration;
          description = "How long its whole answer may take.";
        };
        send = daemonDefault {
          type = types.listOf types.str;
          example = [ "Cookie" ];
          description = "The visitor's fields that it is sent.";
        };
        copy = daemonDefault {
          type = types.listOf types.str;
          example = [ "Remote-User" ];
          description = "The fields of its answer that the backend gets.";
        };
      }
      {
        description = "Another server is asked whether a request may go on ([access.md](access.md#another-server)).";
      };
}
