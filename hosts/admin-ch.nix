# The machine admin-ch. Its addresses, and what it does, are in ./default.nix.
{
  imports = [
    ./hardware/kvm.nix
    ./operators/alice.nix
  ];
  system.stateVersion = "26.05";

  # The copy of the repository in the other location.
  polder.svnMirror.enable = true;
}
