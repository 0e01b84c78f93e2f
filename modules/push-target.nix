# What lets admin machines push to this host: every host of a fleet whose admin machines have keys (`polder.fleet.hosts.*.deploy_keys`).
#
# Owns the way in and what it may do. A pusher comes by ssh as a user whose one command is `polder gate`. That lets the store's
# protocol through, to a store that does not trust the user: what is copied has to be signed with an admin machine's key. All else it
# hands to the root gate behind a socket: report, lock, rehearse, activate, confirm. So a deploy key opens this much and no more,
# and a signing key is root on the fleet: whatever system is signed with it may be activated.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.push-target;
  inherit (config.polder) fleet;

  admins = lib.filterAttrs (_: this: this.deploy_keys != [ ]) fleet.hosts;
  signingKeys = lib.unique (lib.concatMap (this: this.signing_keys) (lib.attrValues fleet.hosts));
  # The admin machine's name comes from the key that was used, not from what the pusher says.
  deployKeys = lib.concatLists (
    lib.mapAttrsToList (
      name: this:
      map (key: ''restrict,command="/etc/polder/bin/polder gate --from ${name}" ${key}'') this.deploy_keys
    ) admins
  );

  # Those of a list of the store's users that mean the pushers' user.
  groups = [
    cfg.user
  ]
  ++ config.users.users.${cfg.user}.extraGroups
  ++ lib.attrNames (lib.filterAttrs (_: group: lib.elem cfg.user group.members) config.users.groups);
  meant = lib.filter (
    one: one == "*" || one == cfg.user || lib.elem one (map (group: "@${group}") groups)
  );
  trusted = meant (config.nix.settings.trusted-users or [ ]);

  sshd = config.services.openssh.settings;
  onlyUsers = sshd.AllowUsers or null;
  deniedUsers = sshd.DenyUsers or null;
in
{
  options.polder.push-target = {
    enable = mkOption {
      type = types.bool;
      default = admins != { };
      defaultText = lib.literalMD "whether an admin machine of the fleet has `deploy_keys`";
      description = "Whether this host takes pushes from the fleet's admin machines.";
    };
    user = mkOption {
      type = types.str;
      default = "polder-deploy";
      description = "The user as whom pushers come. Its only command is `polder gate`; the store does not trust it.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = trusted == [ ];
        message = "nix.settings.trusted-users: ${lib.concatStringsSep ", " trusted} is in it, and ${cfg.user} is meant by that: it could copy what nobody has signed";
      }
      {
        assertion = config.nix.settings.require-sigs or true;
        message = "nix.settings.require-sigs is false: ${cfg.user} could copy what nobody has signed, below a system that is signed";
      }
      {
        assertion = meant (config.nix.settings.allowed-users or [ "*" ]) != [ ];
        message = "nix.settings.allowed-users: ${cfg.user} is not meant by it: nothing could be copied to this host";
      }
      {
        assertion =
          (onlyUsers == null || lib.elem cfg.user onlyUsers)
          && (deniedUsers == null || !lib.elem cfg.user deniedUsers);
        message = "services.openssh.settings: AllowUsers or DenyUsers keeps ${cfg.user} out, so that this host could not be pushed to";
      }
    ];

    environment.etc = {
      # Behind links whose places stay the same: a new polder changes neither keys nor units.
      "polder/bin/polder".source = "${config.polder.package}/bin/polder";
      "polder/signing-keys".text = lib.concatLines signingKeys;
    };

    # The operator's command, for those who are logged in here: `polder log` on the host itself, when no admin machine reaches it.
    environment.systemPackages = [ config.polder.package ];

    # Roots of systems that were copied and are not confirmed yet: the garbage collector leaves them to the push.
    systemd.tmpfiles.settings.polder-push."/nix/var/nix/gcroots/polder-push".d = {
      mode = "0755";
      user = "root";
      group = "root";
    };

    users.groups.${cfg.user} = { };
    users.users.${cfg.user} = {
      isSystemUser = true;
      group = cfg.user;
      # sshd runs the forced command through it.
      useDefaultShell = true;
      # No password opens it; but a locked account ("!") is closed to keys too, where sshd runs without PAM.
      hashedPassword = "*";
      openssh.authorizedKeys.keys = deployKeys;
    };

    # Whoever has a key does not need a password, and who guesses passwords finds no door.
    services.openssh = {
      enable = true;
      settings = {
        PasswordAuthentication = lib.mkDefault false;
        KbdInteractiveAuthentication = lib.mkDefault false;
      };
      # What `restrict` says of each key, said of the user too. A pusher who is gone is noticed within 15 s, and does not keep a
      # place at the gate until TCP gives up. `Match All` ends the block: what other modules add is not about this user.
      extraConfig = ''
        Match User ${cfg.user}
          AuthenticationMethods publickey
          DisableForwarding yes
          PermitTTY no
          PermitUserRC no
          ClientAliveInterval 5
          ClientAliveCountMax 3
        Match All
      '';
    };

    # Besides what this machine trusts already. A copy that is signed by none of them is refused by the store itself.
    nix.settings.trusted-public-keys = signingKeys;

    systemd.sockets.polder-gate = {
      description = "Gate of the fleet's pushes";
      wantedBy = [ "sockets.target" ];
      socketConfig = {
        ListenStream = "/run/polder-gate/socket";
        SocketUser = "root";
        SocketGroup = cfg.user;
        SocketMode = "0660";
        DirectoryMode = "0755";
        # A request a connection, each served by a process of its own.
        Accept = true;
        # All come as one user, so that there is no limit for each: who has no deploy key is kept out by sshd, which has its own.
        MaxConnections = 64;
        # Else systemd closes the socket for good when many come at once, and only somebody at the machine opens it again.
        TriggerLimitIntervalSec = 0;
      };
    };

    # An instance is one request. It is root, since what it asks of systemd and the store only root may ask; it starts the switch
    # itself in a unit of its own (`polder-activate.service`) and is not needed for it to end well.
    systemd.services."polder-gate@" = {
      description = "Gate of the fleet's pushes, one request";
      path = [
        config.nix.package
        config.systemd.package
      ];
      # No switch ends an instance: it may be the one that waits for this very switch, or that has to confirm it.
      restartIfChanged = false;
      stopIfChanged = false;
      unitConfig = {
        X-StopOnRemoval = false;
        # A request that was refused is no failed unit to look at.
        CollectMode = "inactive-or-failed";
      };
      serviceConfig = {
        ExecStart = "/etc/polder/bin/polder gate --serve";
        StandardInput = "socket";
        StandardOutput = "socket";
        StandardError = "journal";
        StateDirectory = "polder-push";
        StateDirectoryMode = "0700";
        UMask = "0027";

        # Not hardening.nix: who can have systems activated is root, in whatever cage the asking is done. What keeps strangers out
        # is that requests are parsed strictly and that systems are paths of the store with an admin's signature. The cage is
        # against slips in that parsing, and takes what no request needs: the network, devices, the kernel, users' homes.
        NoNewPrivileges = true;
        RestrictSUIDSGID = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
        # The store's own program makes itself one to have its folder writable: none of the other kinds.
        RestrictNamespaces = "mnt";
        PrivateDevices = true;
        PrivateTmp = true;
        ProtectHome = "read-only";
        ProtectKernelModules = true;
        ProtectKernelLogs = true;
        ProtectControlGroups = true;
        ProtectClock = true;
        ProtectHostname = true;
        RestrictRealtime = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        SystemCallArchitectures = "native";
      };
    };
  };
}
