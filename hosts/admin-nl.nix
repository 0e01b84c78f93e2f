# The machine admin-nl. Its addresses, and what it does, are in ./default.nix.
{
  imports = [
    ./hardware/kvm.nix
    ./operators/alice.nix
  ];
  system.stateVersion = "26.05";
}
