# The option reference, docs/options.md: every option of the modules, from nixpkgs' own nixosOptionsDoc.
#
# The page is written from its JSON and not its CommonMark, whose layout changes from one nixpkgs to the next: a check compares the
# page with docs/options.md byte by byte.
{
  lib,
  pkgs,
  nixosOptionsDoc,
  runCommand,
  jq,
}:

let
  evaluated = lib.evalModules {
    modules = [
      (import ../modules).default
      {
        _module.check = false;
        _module.args = { inherit pkgs; };
      }
    ];
  };
  inherit
    (nixosOptionsDoc {
      options = { inherit (evaluated.options) polder; };
      # They are paths of the store here, and differ from one copy of the source to the next.
      transformOptions = option: option // { declarations = [ ]; };
    })
    optionsJSON
    ;
in
runCommand "options.md" { nativeBuildInputs = [ jq ]; } ''
  jq --raw-output --from-file ${./options-doc.jq} ${optionsJSON}/share/doc/nixos/options.json > $out
''
