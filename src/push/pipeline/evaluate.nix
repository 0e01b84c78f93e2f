# From the flake's nixosConfigurations to the fleet document that `polder check` reads (src/fleet). Applied by src/push/evaluate.rs.
systems:

let
  polders = builtins.filter (name: systems.${name}.config ? polder) (builtins.attrNames systems);
  evaluated = map (name: {
    inherit name;
    value = systems.${name}.config.polder.evaluated;
  }) polders;
  # Every system knows the whole fleet, and it is the same value.
  fleet =
    if evaluated == [ ] then
      {
        hosts = { };
        zones = { };
        pools = { };
      }
    else
      (builtins.head evaluated).value.fleet;
  systemOf = { name, value }: {
    inherit name;
    value = { inherit (value) failed documents; };
  };
in
{
  version = 1;
  systems = builtins.listToAttrs (map systemOf evaluated);
}
// fleet
