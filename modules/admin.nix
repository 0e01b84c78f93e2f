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
      pkgs.subversion
    ];

    users.groups.polder.members = cfg.operators;

    # setgid: what one operator makes, the others can change.
    systemd.tmpfiles.settings.polder-admin.${cfg.workingCopy}.d = {
      mode = "2770";
      user = "root";
      group = "polder";
    };

    # Part of the system, and so kept from the garbage collector for as long as the system is.
    environment.etc = lib.mapAttrs' (
      name: path: lib.nameValuePair "polder/inputs/${name}" { source = path; }
    ) cfg.inputs;

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
