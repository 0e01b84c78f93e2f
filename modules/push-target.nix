# What lets admin machines push to this host: every host of a fleet whose admin machines have keys (`polder.fleet.hosts.*.deploy_keys`).
#
# Owns the way in and what it may do. A pusher comes by ssh, from an admin machine's address, as a user whose one command is
# `polder gate`. With the deploy key alone it can ask the host how it is, and bring store paths that an admin's key has signed: they go
# through a spool to a store that does not trust the user. Nothing is built, and nothing of the store is read back. Whatever changes
# the host is signed by an admin's key for this host and this moment, and done by the root gate behind a socket. What is for a
# daemon goes through the relay, a user who may open the daemons' admin sockets and nothing else. So a signing key is root on the
# fleet, and a deploy key is not.
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
  # Where a pusher may come from: the admin machine that the key is of.
  addressesOf = this: lib.unique (this.addresses ++ cfg.extraAddresses);
  # The admin machine's name comes from the key that was used, not from what the pusher says.
  deployKeys = lib.concatLists (
    lib.mapAttrsToList (
      name: this:
      map (
        key:
        ''restrict,from="${lib.concatStringsSep "," (addressesOf this)}",command="/etc/polder/bin/polder gate --from ${name}" ${key}''
      ) this.deploy_keys
    ) admins
  );
  spool = "/var/spool/polder-deploy";
  daemons = lib.filter (name: config.users.users ? ${name}) [
    "polder-proxy"
    "polder-dns"
  ];
  firewall = import ./firewall.nix { inherit lib; };

  # A socket that the deploy user may open, and nobody else.
  entrance = description: path: {
    inherit description;
    wantedBy = [ "sockets.target" ];
    socketConfig = {
      ListenStream = path;
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

  # An instance is one request.
  request = {
    # No switch ends an instance: it may be the one that waits for this very switch, or that has to confirm it.
    restartIfChanged = false;
    stopIfChanged = false;
    unitConfig = {
      X-StopOnRemoval = false;
      # A request that was refused is no failed unit to look at.
      CollectMode = "inactive-or-failed";
    };
  };
  connected = {
    StandardInput = "socket";
    StandardOutput = "socket";
    StandardError = "journal";
    Slice = "polder-gate.slice";
  };

  # It is root, since what it asks of systemd and the store only root may ask; it starts the switch itself in a unit of its own
  # (`polder-activate.service`) and is not needed for it to end well.
  gate = request // {
    description = "Gate of the fleet's pushes, one request";
    path = [
      config.nix.package
      config.systemd.package
    ];
    serviceConfig = connected // {
      ExecStart = "/etc/polder/bin/polder gate --serve";
      StateDirectory = "polder-push";
      StateDirectoryMode = "0700";
      UMask = "0027";
      # What it starts beside itself are short questions to the store and to systemd.
      MemoryMax = "512M";
      TasksMax = 128;

      # Not hardening.nix: who can have systems activated is root, in whatever cage the asking is done. What keeps strangers out
      # is that nothing of an instruction is parsed before its signature is good. The cage is against slips in the rest, and takes
      # what no request needs: the network, devices, the kernel, users' homes.
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
    extraAddresses = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "203.0.113.7" ];
      description = ''
        Addresses, or networks as sshd and nftables write them, from which admin machines come besides their own: behind address
        translation, say. A deploy key opens nothing from elsewhere.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion =
          !fleet.hosts ? ${config.polder.host} || config.polder.host == config.networking.hostName;
        message = "polder.host is ${config.polder.host} and networking.hostName is ${config.networking.hostName}: what is signed for a host names it, so both have to be the same";
      }
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

    # What is being uploaded. Only its owner sees it, and the store has the last word on it.
    systemd.tmpfiles.settings.polder-push.${spool}.d = {
      mode = "0700";
      inherit (cfg) user;
      group = cfg.user;
    };

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

    # Who asks the daemons for the pushers: their groups open their admin sockets, and nothing else of theirs.
    users.groups.polder-relay = { };
    users.users.polder-relay = {
      isSystemUser = true;
      group = "polder-relay";
      extraGroups = map (name: config.users.users.${name}.group) daemons;
    };

    # The way in is for the admin machines. Operators log in on those, and committers come to the repository: there it stays as
    # NixOS has it.
    networking.nftables.enable = lib.mkDefault true;
    networking.firewall.extraInputRules = lib.concatMapStrings (
      port: firewall.only port (lib.concatMap addressesOf (lib.attrValues admins))
    ) config.services.openssh.ports;
    services.openssh.openFirewall = lib.mkDefault (
      admins ? ${config.polder.host} || config.polder.svn.enable || config.polder.svn-mirror.enable
    );

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
          # Its keys are those above, and no certificate's nor a command's.
          TrustedUserCAKeys none
          AuthorizedKeysCommand none
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
    # The store is for whoever administers the machine, and for uploads. No daemon and no other account has a say in it.
    nix.settings.allowed-users = lib.mkDefault [
      "root"
      "@wheel"
      cfg.user
    ];

    systemd.sockets = {
      polder-gate = entrance "Gate of the fleet's pushes" "/run/polder-gate/socket";
      # Whoever can only ask, with a deploy key and nothing else, takes no place of what is signed.
      polder-gate-signed = entrance "Gate of the fleet's pushes, for what is signed" "/run/polder-gate/signed";
      polder-relay = entrance "Relay of the fleet's operators to the daemons of this host" "/run/polder-gate/relay";
    };

    # All of them together: one who asks a lot, and reads no answer, takes no memory from the daemons.
    systemd.slices.polder-gate = {
      description = "Gate and relay of the fleet's pushes";
      sliceConfig = {
        MemoryMax = "1G";
        TasksMax = 512;
      };
    };

    systemd.services = {
      "polder-gate@" = gate;
      "polder-gate-signed@" = gate;
      "polder-relay@" = request // {
        description = "Relay of the fleet's operators, one request";
        serviceConfig =
          import ./hardening.nix
          // connected
          // {
            ExecStart = "/etc/polder/bin/polder gate --relay";
            User = "polder-relay";
            Group = "polder-relay";
            StateDirectory = "polder-relay";
            StateDirectoryMode = "0700";
            RestrictAddressFamilies = [ "AF_UNIX" ];
            MemoryMax = "128M";
            TasksMax = 64;
          };
      };
    };
  };
}
