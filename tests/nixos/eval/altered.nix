# The example fleet with a module on top: its systems, as evaluation sees them.
{ self }:

module:
self.lib.fleetSystems {
  folder = ../../../hosts;
  modules = [ module ];
}
