# The role admin: a machine from which operators look after the fleet. Any of them can do it alone, and without the svn server.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.admin;
  inherit (config.polder) fleet host;
  fleetTypes = import ./fleet/types.nix { inherit lib; };
in
{
  options.polder.admin = {
    enable = mkOption {
      type = types.bool;
      default = lib.elem "admin" (fleet.hosts.${host}.roles or [ ]);
      defaultText = lib.literalMD "whether this host has the role admin";
      description = "Whether operators work here.";
    };
    operators = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "alice" ];
      description = "Users of this machine who are operators: the working copy is theirs.";
    };
    workingCopy = mkOption {
      type = types.str;
      default = "/srv/fleet";
      description = "Where the working copy of the fleet's repository is (`svn checkout URL .` there, once).";
    };
    stateDir = mkOption {
      type = types.str;
      default = "/var/lib/polder-admin";
      readOnly = true;
      description = ''
        Where this machine keeps copies of the hosts' ledgers, the fleet as it was last evaluated, deferred commits and its
        keys. The gates look for the copies there, so that it is the same on every admin machine.
      '';
    };
    deployKey = mkOption {
      type = fleetTypes.keyPath;
      default = "${cfg.stateDir}/keys/deploy";
      defaultText = lib.literalExpression ''"${config.polder.admin.stateDir}/keys/deploy"'';
      description = "The private SSH key that opens the hosts' gates, readable by the operators. `polder keys make`, as root, makes it.";
    };
    signingKey = mkOption {
      type = fleetTypes.keyPath;
      default = "${cfg.stateDir}/keys/signing";
      defaultText = lib.literalExpression ''"${config.polder.admin.stateDir}/keys/signing"'';
      description = ''
        The private key that signs what is pushed, readable by the operators. `polder keys make`, as root, makes it. What is
        signed with it is root on the whole fleet.
      '';
    };
    inputs = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ inherit nixpkgs; }";
      description = ''
        Flake inputs that stay in this machine's store, under /etc/polder/inputs: the fleet can be evaluated, and pushed,
        while the place they come from cannot be reached. Flake references to their names mean them.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [
      config.polder.package
      config.nix.package
      pkgs.openssh
      pkgs.subversion
    ];

    # A group of the operators' own: no daemon of the fleet that runs here too is in it, and so none reads a key of a push.
    users.groups.polder-admin.members = cfg.operators;
    # Such a daemon's admin socket is the operators' as well.
    users.groups.polder-proxy = lib.mkIf config.polder.proxy.enable { members = cfg.operators; };
    users.groups.polder-dns = lib.mkIf config.polder.nameserver.enable { members = cfg.operators; };
    # Who owns the private keys: ssh refuses a key that its caller owns and others may read, and operators may read these.
    users.users.polder-admin = {
      isSystemUser = true;
      group = "polder-admin";
    };

    systemd.tmpfiles.settings.polder-admin =
      let
        # setgid: what one operator makes, the others can change.
        shared.d = {
          mode = "2770";
          user = "root";
          group = "polder-admin";
        };
      in
      {
        ${cfg.workingCopy} = shared;
        ${cfg.stateDir} = shared;
        "${cfg.stateDir}/ledgers" = shared;
        "${cfg.stateDir}/keys".d = {
          mode = "0750";
          user = "polder-admin";
          group = "polder-admin";
        };
      };

    environment.etc =
      # Part of the system, and so kept from the garbage collector for as long as the system is.
      lib.mapAttrs' (name: path: lib.nameValuePair "polder/inputs/${name}" { source = path; }) cfg.inputs
      // {
        # This machine's own facts. What is pushed where is in the working copy.
        "polder/admin.json".source = (pkgs.formats.json { }).generate "admin.json" {
          version = 1;
          name = host;
          inherit (fleet.hosts.${host}) location;
          deploy_user = config.polder.push-target.user;
          deploy_key = cfg.deployKey;
          signing_key = cfg.signingKey;
          working_copy = cfg.workingCopy;
          state_dir = cfg.stateDir;
        };
      };

    # A push signs paths of this store, and evaluates with the fleet's own settings: the store lets only those whom it trusts.
    # They are root on this machine by that. It takes nothing from it: who may push is root on every host, and so on this one.
    nix.settings.trusted-users = [
      "root"
      "@polder-admin"
    ];
    nix.settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    nix.registry = lib.mapAttrs (_: path: {
      to = {
        type = "path";
        path = toString path;
      };
    }) cfg.inputs;
  };
}
