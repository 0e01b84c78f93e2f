# The flake's checks: the package and its version, each host, the NixOS tests (`machines`: every file here but lib.nix), and what needs
# no machine.
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

  machines = lib.mapAttrs' (
    file: _: lib.nameValuePair (lib.removeSuffix ".nix" file) (runTest file)
  ) tests;
in
{
  inherit machines;

  checks = {
    package = self.packages.${system}.polder;
    inherit (self.packages.${system}.polder.tests) version;
  }
  // lib.mapAttrs' (
    name: host: lib.nameValuePair "host-${name}" host.config.system.build.toplevel
  ) hosts
  // machines
  // import ./eval { inherit self nixpkgs pkgs; };
}
