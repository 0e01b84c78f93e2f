# The machine web-2: its disk, its network. What it does is in ./default.nix.
{
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
        address = "198.51.100.22";
        prefixLength = 24;
      }
    ];
  };

  system.stateVersion = "26.05";
}
