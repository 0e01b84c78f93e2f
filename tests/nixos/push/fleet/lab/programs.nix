# A backend's programs: on each port the demo's webserver, which keeps sessions and says who it is.
{
  config,
  lib,
  ...
}:

{
  systemd.services = lib.mapAttrs' (
    name: local:
    lib.nameValuePair "program-${name}" {
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      # It ends when its standard input does, so it gets one that stays open; what is written there changes how it answers
      # (`500`, `slow 300`, `well`).
      script = ''
        rm -f "$RUNTIME_DIRECTORY/input"
        mkfifo "$RUNTIME_DIRECTORY/input"
        exec ${lib.getExe config.polder.package} backend \
          --listen ${if local.upstream != null then local.upstream else "0.0.0.0:${toString local.port}"} \
          --name ${config.networking.hostName} 0<> "$RUNTIME_DIRECTORY/input"
      '';
      serviceConfig = {
        RuntimeDirectory = "program-${name}";
        Restart = "on-failure";
      };
    }
  ) config.polder.backend.local;
}
