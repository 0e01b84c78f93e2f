# What all machines of the fleet have, in a test and as they are pushed.
{
  config,
  lib,
  pkgs,
  ...
}:

{
  services.openssh = {
    enable = true;
    hostKeys = [
      {
        type = "ed25519";
        path = "/etc/ssh/ssh_host_ed25519_key";
      }
    ];
  };
  environment.systemPackages = [
    pkgs.dig
    pkgs.jq
  ];

  # The demo's webserver, which keeps sessions and says who it is, as the program behind each port of a backend. It ends when its
  # standard input does, so it gets one that stays open.
  systemd.services = lib.mapAttrs' (
    name: local:
    lib.nameValuePair "program-${name}" {
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      script = ''
        rm -f "$RUNTIME_DIRECTORY/input"
        mkfifo "$RUNTIME_DIRECTORY/input"
        exec ${lib.getExe config.polder.package} backend --listen 0.0.0.0:${toString local.port} \
          --name ${config.networking.hostName} 0<> "$RUNTIME_DIRECTORY/input"
      '';
      serviceConfig = {
        RuntimeDirectory = "program-${name}";
        Restart = "on-failure";
      };
    }
  ) config.polder.backend.local;
}
