{ nixpkgs, ... }:

{
  polder.admin = {
    operators = [ "alice" ];
    inputs = { inherit nixpkgs; };
  };
  polder.svn-mirror.enable = true;
  users.users.alice.isNormalUser = true;
}
