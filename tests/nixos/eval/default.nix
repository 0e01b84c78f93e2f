# Checks that need no machine: what evaluation must refuse, which systems a change affects, and that generated files are current.
{
  self,
  nixpkgs,
  pkgs,
}:

let
  inherit (nixpkgs) lib;
  fleetOf = import ./altered.nix { inherit self; };
  root = ../../..;
  nixFiles = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.fileFilter (file: file.hasExt "nix") root;
  };
in
{
  bad-fleets = pkgs.callPackage ./bad-fleets.nix { inherit fleetOf self; };
  type-errors = pkgs.callPackage ./type-errors.nix { inherit nixpkgs; };
  closures = pkgs.callPackage ./closures.nix { inherit fleetOf; };
  check = pkgs.callPackage ./check.nix { inherit fleetOf nixpkgs self; };
  pages = pkgs.callPackage ./pages.nix { inherit fleetOf; };
  svn-hook = pkgs.callPackage ./svn-hook.nix { inherit self; };
  template = pkgs.callPackage ./template.nix { inherit self; };
  sbom = pkgs.callPackage ./sbom.nix { inherit self; };
  alert-rules = pkgs.callPackage ./alert-rules.nix { inherit self; };

  formatting = pkgs.runCommand "formatting" { nativeBuildInputs = [ pkgs.nixfmt ]; } ''
    find ${nixFiles} -name '*.nix' -print0 | xargs -0 nixfmt --check
    touch $out
  '';

  options-documentation = pkgs.runCommand "options-documentation" { } ''
    if ! diff -u ${../../../docs/options.md} ${
      self.packages.${pkgs.stdenv.hostPlatform.system}.options-doc
    }; then
      echo "docs/options.md is not what the modules say: nix build .#options-doc && cp result docs/options.md" >&2
      exit 1
    fi
    touch $out
  '';
}
