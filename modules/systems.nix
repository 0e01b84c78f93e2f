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
    # For hosts that want it as an argument.
    specialArgs = { inherit nixpkgs; };
    modules = [
      (import ./.).default
      folder
      (folder + "/${name}.nix")
      (
        { config, ... }:
        {
          networking.hostName = lib.mkDefault name;
          # An admin machine evaluates the fleet with the nixpkgs that it was made with, also while its origin cannot be reached.
          polder.admin.inputs.nixpkgs = lib.mkDefault nixpkgs;
          # Nothing is evaluated on the others. NixOS would put the source of nixpkgs into the flake registry and NIX_PATH of each, and so
          # into its system and into what a push copies.
          nixpkgs.flake = lib.mkIf (!config.polder.admin.enable) {
            setFlakeRegistry = lib.mkDefault false;
            setNixPath = lib.mkDefault false;
          };
        }
      )
    ]
    ++ modules;
  }
)
