{
  # What no switch may change: polder has to restart the machine for it.
  system.switch.inhibitors.lab = "one";
}
