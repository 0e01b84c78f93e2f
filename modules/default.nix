# The modules by role. `default` is all of them: the module of a role does nothing on a host without that role.
let
  # Every host knows the fleet and its own place in it, and takes pushes.
  every = [
    ./fleet.nix
    ./network.nix
    ./push-target.nix
    # Its hosts are named by the fleet, whatever their role.
    ./agreement.nix
  ];
  role = file: {
    imports = every ++ [ file ];
  };
  roles = {
    proxy = role ./proxy.nix;
    nameserver = {
      imports = [
        (role ./nameserver.nix)
        ./nameserver-dnstap.nix
      ];
    };
    backend = role ./backend.nix;
    svn = {
      imports = [
        (role ./svn.nix)
        ./svn-mirror.nix
      ];
    };
    admin = role ./admin.nix;
    # A member of the agreement and nothing else.
    witness.imports = every;
    # No role: a host that only accepts pushes.
    pushTarget.imports = every;
    # No role: alert rules for the monitoring.
    alerts = ./alerts.nix;
  };
in
roles
// {
  default.imports = builtins.attrValues roles;
}
