# A virtual machine under KVM, as all of this fleet are: its platform, disk and interface. nixos-generate-config finds these out.
{ modulesPath, ... }:

{
  # The drivers of its disk and its network, which it needs to boot.
  imports = [ (modulesPath + "/profiles/qemu-guest.nix") ];

  nixpkgs.hostPlatform = "x86_64-linux";
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
  polder.network.interface = "ens3";
}
