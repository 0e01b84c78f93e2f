# Every check of the flake: the package, each host, the NixOS tests (every file here but lib.nix), and what needs no machine.
{
  self,
  nixpkgs,
  pkgs,
}:

let
  inherit (nixpkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) system;

  isTest =
    file: kind:
    kind == "regular"
    && lib.hasSuffix ".nix" file
    && !lib.elem file [
      "default.nix"
      "lib.nix"
    ];
  tests = lib.filterAttrs isTest (builtins.readDir ./.);
  runTest =
    file:
    pkgs.testers.runNixOSTest {
      imports = [ (./. + "/${file}") ];
      _module.args.polderTests = import ./lib.nix { inherit lib pkgs self; };
      _module.args.pushTests = import ./push/lib.nix {
        inherit
          lib
          pkgs
          self
          nixpkgs
          ;
      };
    };

  hosts = lib.filterAttrs (
    _: host: host.pkgs.stdenv.hostPlatform.system == system
  ) self.nixosConfigurations;
in
{
  package = self.packages.${system}.polder;
}
// lib.mapAttrs' (
  name: host: lib.nameValuePair "host-${name}" host.config.system.build.toplevel
) hosts
// lib.mapAttrs' (file: _: lib.nameValuePair (lib.removeSuffix ".nix" file) (runTest file)) tests
// import ./eval { inherit self nixpkgs pkgs; }
