# A virtual machine with one disk, until you put what `nixos-generate-config` finds out about each machine into files of their own.
{ modulesPath, ... }:

{
  imports = [ (modulesPath + "/profiles/qemu-guest.nix") ];
  nixpkgs.hostPlatform = "x86_64-linux";
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/".device = "/dev/disk/by-label/nixos";
}
