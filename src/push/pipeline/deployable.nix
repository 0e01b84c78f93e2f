# Beyond what `polder check` reads of each system, what a push needs: where it will be in the store, and what builds it. Applied to
# ./evaluate.nix by src/push/evaluate.rs. It evaluates every system to its end, which takes its time.
evaluate: systems:

let
  fleet = evaluate systems;
  plain = builtins.unsafeDiscardStringContext;
  deployable =
    name: system:
    let
      inherit (systems.${name}.config.system.build) toplevel;
    in
    system
    // (
      # What assertions refuse does not evaluate.
      if system.failed != [ ] then
        { }
      else
        {
          toplevel = {
            path = plain toplevel.outPath;
            derivation = plain toplevel.drvPath;
          };
        }
    );
in
fleet // { systems = builtins.mapAttrs deployable fleet.systems; }
