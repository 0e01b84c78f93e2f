{
  inputs.polder.url = "github:polder/polder";

  outputs =
    { polder, ... }:
    {
      nixosConfigurations = polder.lib.fleetSystems { folder = ./hosts; };
    };
}
