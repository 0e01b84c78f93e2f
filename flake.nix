{
  description = "Keeps websites reachable while machines and operators fail: a whole web front from one fleet definition";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      forAllSystems =
        f:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
          system: f (nixpkgs.legacyPackages.${system}.extend self.overlays.default)
        );
      testsOf = pkgs: import ./tests/nixos { inherit self nixpkgs pkgs; };
    in
    {
      overlays.default = final: _: {
        polder = final.callPackage ./pkgs/polder.nix { };
      };

      packages = forAllSystems (pkgs: rec {
        polder = pkgs.polder.override { machineTests = (testsOf pkgs).machines; };
        default = polder;
        options-doc = pkgs.callPackage ./pkgs/options-doc.nix { };
        sbom = pkgs.callPackage ./pkgs/sbom.nix { };
      });

      apps = forAllSystems (
        pkgs:
        lib.genAttrs [ "demo" "drill" "check" "plan" "push" ] (verb: {
          type = "app";
          program = lib.getExe (
            pkgs.writeShellScriptBin "polder-${verb}" ''exec ${lib.getExe pkgs.polder} ${verb} "$@"''
          );
          meta.description = "polder ${verb}";
        })
      );

      nixosModules = import ./modules;

      # For one's own repository too: see templates/fleet.
      lib.fleetSystems = args: import ./modules/systems.nix ({ inherit nixpkgs; } // args);

      nixosConfigurations = self.lib.fleetSystems { folder = ./hosts; };

      checks = forAllSystems (pkgs: (testsOf pkgs).checks);

      devShells = forAllSystems (pkgs: {
        default = pkgs.callPackage ./pkgs/devshell.nix { };
      });

      formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);

      templates.default = {
        path = ./templates/fleet;
        description = "A fleet of two nameservers, two proxies and two webservers";
        welcomeText = "Put your names and addresses into hosts/default.nix, then: nix flake check";
      };
    };
}
