# The machine svn: its disk, its network. What it does is in ./default.nix.
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
    defaultGateway = "192.0.2.254";
    interfaces.ens3.ipv4.addresses = [
      {
        address = "192.0.2.31";
        prefixLength = 24;
      }
    ];
  };

  # Who reads and does not commit: the mirror, admin-ch.
  polder.svn.readers.mirror-ch = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB mirror on admin-ch";

  system.stateVersion = "26.05";
}
