# What makes a system of the fleet run on a test's machine: the driver's way in, the network that it made, its known host key.
# On NixOS the test instrumentation comes with nixpkgs; elsewhere ./machines.json has what the driver gave the machine.
{
  config,
  lib,
  modulesPath,
  ...
}:

let
  machines = lib.importJSON ./machines.json;
  this = machines.${config.networking.hostName};
  instrumentation = modulesPath + "/testing/test-instrumentation.nix";
  machine = modulesPath + "/virtualisation/qemu-vm.nix";
  isNixos = builtins.pathExists instrumentation;
in
{
  imports = lib.optionals isNixos [
    instrumentation
    machine
  ];

  config = lib.mkMerge [
    {
      nixpkgs.hostPlatform = "x86_64-linux";
      boot.loader.grub.enable = false;
      fileSystems."/" = lib.mkDefault {
        device = "/dev/vda";
        fsType = "ext4";
      };
      system.stateVersion = "26.05";
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
    (lib.mkIf (!isNixos) { systemd.services.backdoor = this.backdoor; })
  ];
}
