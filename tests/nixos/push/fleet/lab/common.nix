# What all machines of the fleet have, in a test and as they are pushed.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  # There is no other firmware for it.
  efi = pkgs.stdenv.hostPlatform.isAarch64;
in
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

  # A machine boots what it was last switched to, with GRUB and from its own disk, where its store is too. The disk grows from what the
  # first system takes.
  virtualisation = {
    useBootLoader = true;
    useEFIBoot = efi;
    writableStore = true;
    diskSize = if config.polder.admin.enable then 65536 else 8192;
    fileSystems."/".autoResize = true;
  };
  boot.growPartition = true;
  boot.loader = {
    timeout = 0;
    grub = {
      enable = true;
      efiSupport = efi;
      efiInstallAsRemovable = efi;
    };
  };
  system.switch.enable = true;

  # Nothing is fetched, and nothing is built that no test looks at.
  documentation.enable = false;
  nix.settings = {
    substituters = lib.mkForce [ ];
    hashed-mirrors = [ ];
    connect-timeout = 1;
  };
}
