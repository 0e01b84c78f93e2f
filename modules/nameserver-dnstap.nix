# dnstap of a nameserver: queries and responses for a receiver on the same host.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.polder.nameserver;
in
{
  options.polder.nameserver.dnstap = mkOption {
    type = types.nullOr (
      types.submodule {
        options = {
          socket = mkOption {
            type = types.path;
            example = "/run/dnstap/dnstap.sock";
            description = ''
              The Unix socket at which the receiver listens. The user polder-dns must be able to write to it, and to reach it:
              best by a group that the unit polder-dns has in `SupplementaryGroups`, not by the group polder-dns ([logs.md](logs.md#dnstap)).
            '';
          };
          on = mkOption {
            type = types.bool;
            default = true;
            description = ''
              Whether messages go there from the start on. `polder dnstap NAME on` and `off` switch it while the daemon runs.
            '';
          };
          messages = mkOption {
            type = types.nonEmptyListOf (
              types.enum [
                "AUTH_QUERY"
                "AUTH_RESPONSE"
              ]
            );
            default = [
              "AUTH_QUERY"
              "AUTH_RESPONSE"
            ];
            description = "Queries as they were received, responses as they were made, or both.";
          };
          sample = mkOption {
            type = types.ints.between 1 1000000;
            default = 1;
            description = "Of each thread's queries every so-manyth goes there, with its response.";
          };
        };
      }
    );
    default = null;
    example = {
      socket = "/run/dnstap/dnstap.sock";
      on = false;
    };
    description = ''
      Queries and responses for a receiver of dnstap on this host ([logs.md](logs.md#dnstap)); null: none.
    '';
  };

  config = lib.mkIf (cfg.enable && cfg.dnstap != null) {
    polder.nameserver.settings.dnstap = cfg.dnstap;
  };
}
