# The modules by role. `default` is all of them: a role does nothing on a host that does not have it.
let
  # Every host knows the fleet and its own place in it, and takes pushes.
  every = [
    ./fleet.nix
    ./network.nix
    ./push-target.nix
  ];
  role = file: {
    imports = every ++ [ file ];
  };
  roles = {
    proxy = role ./proxy.nix;
    nameserver = role ./nameserver.nix;
    backend = role ./backend.nix;
    svn = {
      imports = [
        (role ./svn.nix)
        ./svn-mirror.nix
      ];
    };
    admin = role ./admin.nix;
    # No role: a host of the fleet that polder does nothing else on.
    pushTarget.imports = every;
    # No role: rules for whoever watches.
    alerts = ./alerts.nix;
  };
in
roles
// {
  default.imports = builtins.attrValues roles;
}
