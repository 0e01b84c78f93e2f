# The machine web-2. Replace this by what nixos-generate-config wrote on it.
{
  nixpkgs.hostPlatform = "x86_64-linux";
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/".device = "/dev/disk/by-label/nixos";
  system.stateVersion = "26.05";
}
