# The modules by role. `default` is all of them: a role does nothing on a host that does not have it.
let
  fleet = ./fleet.nix;
  role = file: {
    imports = [
      fleet
      file
    ];
  };
  roles = {
    proxy = role ./proxy.nix;
    nameserver = role ./nameserver.nix;
    backend = role ./backend.nix;
    svn = role ./svn.nix;
    admin = role ./admin.nix;
    # No role: rules for whoever watches.
    alerts = ./alerts.nix;
  };
in
roles
// {
  default.imports = builtins.attrValues roles;
}
