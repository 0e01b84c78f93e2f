# The machine ns-nl: its disk, its network. What it does is in ./default.nix.
{
  nixpkgs.hostPlatform = "x86_64-linux";
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  networking = {
    useDHCP = false;
    defaultGateway = "192.0.2.254";
    interfaces.ens3.ipv4.addresses = [
      {
        address = "192.0.2.1";
        prefixLength = 24;
      }
    ];
    defaultGateway6 = "2001:db8:1::ffff";
    interfaces.ens3.ipv6.addresses = [
      {
        address = "2001:db8:1::1";
        prefixLength = 64;
      }
    ];
  };

  system.stateVersion = "26.05";
}
