# The role admin: a machine from which operators look after the fleet. Each of them suffices alone, and without the svn machine.
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
      description = "Whether this host is an admin machine: one from which operators look after the fleet.";
    };
    operators = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "alice" ];
      description = "The users of this machine who are operators. They own the working copy and may use the keys of a push.";
    };
    workingCopy = mkOption {
      type = types.str;
      default = "/srv/fleet";
      description = "The directory of the working copy of the fleet's repository. Run `svn checkout URL .` there once.";
    };
    stateDir = mkOption {
      type = types.str;
      default = "/var/lib/polder-admin";
      readOnly = true;
      description = ''
        Where this machine keeps copies of the hosts' ledgers, the fleet as it was last evaluated, deferred commits and its
        keys. Gates look for the copies there, which is why the path is the same on every admin machine.
      '';
    };
    deployKey = mkOption {
      type = fleetTypes.keyPath;
      default = "${cfg.stateDir}/keys/deploy";
      defaultText = lib.literalExpression ''"${config.polder.admin.stateDir}/keys/deploy"'';
      description = "The private SSH key that opens the gates of the hosts. Operators can read it. Run `polder keys make` as root to make it.";
    };
    signingKey = mkOption {
      type = fleetTypes.keyPath;
      default = "${cfg.stateDir}/keys/signing";
      defaultText = lib.literalExpression ''"${config.polder.admin.stateDir}/keys/signing"'';
      description = ''
        The private key that signs what is pushed. Operators can read it. Run `polder keys make` as root to make it. Whoever
        has this key, and a deploy key, is root on every host.
      '';
    };
    inputs = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ inherit nixpkgs; }";
      description = ''
        Flake inputs that are kept in the store of this machine, under /etc/polder/inputs, and registered in its flake registry
        by their names: the fleet can be evaluated and pushed while their origin cannot be reached. With
        `polder.lib.fleetSystems`, `nixpkgs` is one of them.
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

    users.groups = {
      # A group for the operators alone: no daemon that runs on this host is a member, so none can read the keys of a push.
      polder-admin.members = cfg.operators;
    }
    # Operators may use the admin sockets of such daemons too.
    // lib.mapAttrs' (
      role: daemon:
      lib.nameValuePair daemon.name (
        lib.mkIf (config.polder.${role}.enable or false) { members = cfg.operators; }
      )
    ) (import ./daemons.nix);
    # The owner of the private keys: ssh refuses a key file of its caller that others can read, and all operators read these.
    users.users.polder-admin = {
      isSystemUser = true;
      group = "polder-admin";
    };

    systemd.tmpfiles.settings.polder-admin =
      let
        # setgid: files that one operator makes can be changed by the others.
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
      # As part of the system they are kept by the garbage collector for as long as the system is.
      lib.mapAttrs' (name: path: lib.nameValuePair "polder/inputs/${name}" { source = path; }) cfg.inputs
      // {
        # The facts of this machine. What is pushed where is in the working copy.
        "polder/admin.json".source = (pkgs.formats.json { }).generate "admin.json" {
          version = 1;
          name = host;
          inherit (fleet.hosts.${host}) location;
          deploy_user = config.polder.pushTarget.user;
          deploy_key = cfg.deployKey;
          signing_key = cfg.signingKey;
          working_copy = cfg.workingCopy;
          state_dir = cfg.stateDir;
        };
      };

    # A push signs paths of this store and evaluates with the fleet's own settings, which Nix allows only to users that it trusts.
    # That makes operators root on this machine, as pushing makes them root on every host.
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
