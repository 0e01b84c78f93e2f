# The machine svn. Its addresses, and what it does, are in ./default.nix.
{
  imports = [ ./hardware/kvm.nix ];
  system.stateVersion = "26.05";

  # Who reads the repository and does not commit: the mirror on admin-ch.
  polder.svn.readers.mirror-ch = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB mirror on admin-ch";
}
