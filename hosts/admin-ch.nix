# The machine admin-ch: its disk, its network. What it does is in ./default.nix.
{ nixpkgs, ... }:

{
  imports = [ ./svn/users.nix ];

  nixpkgs.hostPlatform = "x86_64-linux";
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  networking = {
    useDHCP = false;
    defaultGateway = "198.51.100.254";
    interfaces.ens3.ipv4.addresses = [
      {
        address = "198.51.100.41";
        prefixLength = 24;
      }
    ];
  };

  users.users.alice = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
    openssh.authorizedKeys.keys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA alice"
    ];
  };
  services.openssh.enable = true;

  polder.admin = {
    operators = [ "alice" ];
    inputs = { inherit nixpkgs; };
  };

  # The repository's copy in the other place.
  polder.svn-mirror.enable = true;

  system.stateVersion = "26.05";
}
