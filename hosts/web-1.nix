# The machine web-1. Its addresses, and what it does, are in ./default.nix.
{
  imports = [ ./hardware/kvm.nix ];
  system.stateVersion = "26.05";
}
