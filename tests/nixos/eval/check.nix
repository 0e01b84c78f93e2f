# `polder check` on the example fleet, evaluated by the expression that the command itself applies; and the recording of the result that
# cargo's tests use is current.
{
  lib,
  stdenv,
  runCommand,
  writeText,
  nix,
  nixpkgs,
  fleetOf,
  self,
}:

let
  inherit (self.packages.${stdenv.hostPlatform.system}) polder;
  evaluate = import ../../../src/push/pipeline/evaluate.nix;
  evaluated =
    name: systems:
    writeText "${name}.json" (builtins.unsafeDiscardStringContext (builtins.toJSON (evaluate systems)));
  example = evaluate self.nixosConfigurations;

  # The recording, with what differs from build to build left aside.
  recorded = lib.importJSON ../../data/fleet/example.json;
  withoutStorePaths =
    fleet:
    fleet
    // {
      zones = lib.attrNames fleet.zones;
      systems = lib.mapAttrs (_: plain) fleet.systems;
    };
  plain =
    system:
    system
    // {
      documents = lib.mapAttrs (
        _: text:
        let
          document = builtins.fromJSON (builtins.unsafeDiscardStringContext text);
        in
        document // lib.optionalAttrs (document ? zones) { zones = lib.attrNames document.zones; }
      ) system.documents;
    };
in
assert lib.assertMsg (withoutStorePaths example == withoutStorePaths recorded)
  "tests/data/fleet/example.json is not what hosts/ evaluates to: see CONTRIBUTING.md for how it is made";
runCommand "check"
  {
    nativeBuildInputs = [
      polder
      nix
    ];
  }
  ''
    mkdir fleet
    cp -r --no-preserve=mode ${../../../hosts} fleet/hosts
    cp --no-preserve=mode ${../../../templates/fleet/flake.nix} fleet/flake.nix

    echo "== nothing is wrong with the example"
    polder check --offline --fleet ${evaluated "example" self.nixosConfigurations} fleet | tee said
    grep -F "nothing is wrong" said

    echo "== what the modules refuse is told for each host"
    if polder check --offline --fleet ${
      evaluated "refused" (fleetOf {
        polder.fleet.pools."http0.l.example.net".members = [ "px-nl" ];
      })
    } fleet > said; then
      echo "a pool of one was not refused" >&2
      exit 1
    fi
    grep -F 'wrong ns-nl: polder.fleet.pools."http0.l.example.net": fewer than two members' said

    echo "== a host's own setting that makes it differ is found across hosts"
    if polder check --offline --fleet ${
      evaluated "differs" (
        fleetOf (
          { config, lib, ... }:
          lib.mkIf (config.networking.hostName == "px-ch") {
            polder.proxy.settings.services.shop.cookie.name = "elsewhere";
          }
        )
      )
    } fleet > said; then
      echo "cookies that differ were not found" >&2
      exit 1
    fi
    grep -F "wrong service shop: its cookie's name differs: elsewhere on px-ch, polder-shop on px-nl" said

    echo "== a folder is evaluated by the command itself, and what Nix says is told"
    export HOME=$PWD
    evaluated() {
      polder check --offline fleet -- --store "$PWD/store" \
        --override-input polder path:${self} --override-input polder/nixpkgs path:${nixpkgs}
    }
    evaluated | tee said
    grep -F "nothing is wrong" said
    sed -i 's/mode = "stateless"/mode = "statefull"/' fleet/hosts/default.nix
    if evaluated > said; then
      echo "a mode that is none was not refused" >&2
      exit 1
    fi
    cat said
    grep -F 'polder.fleet.services.www.mode' said
    grep -F 'statefull' said
    grep -F 'In `fleet/hosts' said
    touch $out
  ''
