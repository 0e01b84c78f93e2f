# The template's fleet, as a repository of its own with this flake as its input, builds; and docs/nixos.md shows the
# template as it is, in under 40 lines of Nix.
{
  lib,
  runCommand,
  self,
}:

let
  folder = ../../../templates/fleet;
  systems =
    ((import (folder + "/flake.nix")).outputs {
      polder = self;
      self = { };
    }).nixosConfigurations;

  shown = [
    "flake.nix"
    "hosts/default.nix"
    "hosts/zones/example.net.zone"
  ];
  text = file: builtins.readFile (folder + "/${file}");
  pages = {
    "docs/nixos.md" = builtins.readFile ../../../docs/nixos.md;
  };
  indented =
    file:
    lib.concatMapStrings (line: if line == "" then "\n" else "    ${line}\n") (
      lib.splitString "\n" (lib.trim (text file))
    );
  absentFrom = page: lib.filter (file: !lib.hasInfix (indented file) page) shown;
  wrong = lib.filterAttrs (_: page: absentFrom page != [ ]) pages;

  nixLines = lib.length (
    lib.filter (line: lib.trim line != "") (
      lib.concatMap (file: lib.splitString "\n" (text file)) (lib.filter (lib.hasSuffix ".nix") shown)
    )
  );
in
assert lib.assertMsg (wrong == { }) (
  "the template is not shown as it is: "
  + lib.concatStringsSep "; " (
    lib.mapAttrsToList (name: page: "${name} lacks ${toString (absentFrom page)}") wrong
  )
);
assert lib.assertMsg (nixLines < 40) "the template's fleet is ${toString nixLines} lines of Nix";
runCommand "template"
  { systems = lib.mapAttrsToList (_: host: host.config.system.build.toplevel) systems; }
  ''
    echo "${toString nixLines} lines of Nix make $(echo $systems | wc -w) systems"
    touch $out
  ''
