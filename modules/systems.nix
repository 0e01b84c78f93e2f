# The NixOS systems of a fleet's folder: `default.nix` is the fleet, every other file NAME.nix is the host NAME.
{
  nixpkgs,
  folder,
  # Modules for every host, besides.
  modules ? [ ],
}:

let
  inherit (nixpkgs) lib;
  isHost = file: kind: kind == "regular" && lib.hasSuffix ".nix" file && file != "default.nix";
  names = map (lib.removeSuffix ".nix") (
    lib.attrNames (lib.filterAttrs isHost (builtins.readDir folder))
  );
in
lib.genAttrs names (
  name:
  lib.nixosSystem {
    # To pin the inputs on admin machines: polder.admin.inputs.
    specialArgs = { inherit nixpkgs; };
    modules = [
      (import ./.).default
      folder
      (folder + "/${name}.nix")
      { networking.hostName = lib.mkDefault name; }
    ]
    ++ modules;
  }
)
