# What makes a system of the fleet, built on an admin machine, run on a test's machine: nixpkgs' modules for such machines (the driver's
# way in, the disk), and what the driver gave this one.
{
  config,
  lib,
  modulesPath,
  ...
}:

let
  machines = lib.importJSON ./machines.json;
  this = machines.${config.networking.hostName};
in
{
  imports = [
    (modulesPath + "/testing/test-instrumentation.nix")
    (modulesPath + "/virtualisation/qemu-vm.nix")
  ];

  system.stateVersion = "26.05";
  boot.initrd.services.udev.rules = this.udev;
  networking = {
    useDHCP = false;
    interfaces.eth1 = {
      ipv4.addresses = [
        {
          address = this.ipv4;
          prefixLength = 24;
        }
      ];
      ipv6.addresses = [
        {
          address = this.ipv6;
          prefixLength = 64;
        }
      ];
    };
    extraHosts = this.hosts;
  };
}
