# The machine web-2: its hardware, and its users, ssh and network.
{
  imports = [ ./hardware/vm.nix ];
  system.stateVersion = "26.05";
}
