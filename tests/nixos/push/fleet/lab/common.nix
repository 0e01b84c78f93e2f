# What all machines of the fleet have, in a test and as they are pushed.
{
  lib,
  options,
  pkgs,
  ...
}:

{
  imports = [ ./programs.nix ];

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

  # Where the stand-in for NixOS brings no store of its own.
  systemd.services.nix-daemon = lib.mkIf (!(options.nix ? nrBuildUsers)) {
    wantedBy = [ "multi-user.target" ];
    serviceConfig.ExecStart = "${pkgs.nix}/bin/nix-daemon --daemon";
    restartIfChanged = false;
  };
}
