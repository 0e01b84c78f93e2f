{ nixpkgs, ... }:

{
  polder.admin = {
    operators = [ "alice" ];
    inputs = { inherit nixpkgs; };
  };
  users.users.alice.isNormalUser = true;
}
