# The machine ns-ch: its disk, its network. What it does is in ./default.nix.
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
        address = "198.51.100.1";
        prefixLength = 24;
      }
    ];
    defaultGateway6 = "2001:db8:2::ffff";
    interfaces.ens3.ipv6.addresses = [
      {
        address = "2001:db8:2::1";
        prefixLength = 64;
      }
    ];
  };

  system.stateVersion = "26.05";
}
