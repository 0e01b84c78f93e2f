# The gate through which admin machines push to this host. It is on every host of a fleet whose admin machines have
# `polder.fleet.hosts.*.deployKeys`.
#
# Owns the access and what it allows. An admin machine connects by ssh, from its own address, as a user whose one command is `polder
# gate`. With the deploy key alone it can ask for the state of the host, and upload store paths that an admin's key has signed: they go
# through a spool into a store that does not trust the user. Nothing is built, and nothing of the store can be read. Whatever changes
# the host must be signed by an admin's key for this host and this moment, and is done by the root gate behind a socket. Requests for a
# daemon go through the relay, a user who may open the daemons' admin sockets and nothing else. So a signing key is root on the fleet,
# and a deploy key is not.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.pushTarget;
  inherit (config.polder) fleet;

  admins = lib.filterAttrs (_: this: this.deployKeys != [ ]) fleet.hosts;
  signingKeys = lib.unique (lib.concatMap (this: this.signingKeys) (lib.attrValues fleet.hosts));
  # The source addresses from which a deploy key is accepted: those of its admin machine.
  addressesOf = this: lib.unique (this.addresses ++ cfg.extraAddresses);
  # The name of the admin machine is derived from the key that was used, not from what the client says.
  deployKeys = lib.concatLists (
    lib.mapAttrsToList (
      name: this:
      map (
        key:
        ''restrict,from="${lib.concatStringsSep "," (addressesOf this)}",command="/etc/polder/bin/polder gate --from ${name}" ${key}''
      ) this.deployKeys
    ) admins
  );
  spool = "/var/spool/polder-deploy";
  # Those that run on this host.
  daemons = lib.filter (daemon: config.users.users ? ${daemon.name}) (
    lib.attrValues (import ./daemons.nix)
  );
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
      # One request per connection, each served by a process of its own.
      Accept = true;
      # All connections come from one user, so a limit for each source is pointless: sshd keeps out whoever has no deploy key.
      MaxConnections = 64;
      # Otherwise systemd closes the socket for good after many connections at once, until somebody at the machine starts it again.
      TriggerLimitIntervalSec = 0;
    };
  };

  # An instance is one request.
  request = {
    # No switch stops an instance: it may be the one that waits for this switch, or that has to confirm it.
    restartIfChanged = false;
    stopIfChanged = false;
    unitConfig = {
      X-StopOnRemoval = false;
      # A refused request must not leave a failed unit behind.
      CollectMode = "inactive-or-failed";
    };
  };
  connected = {
    StandardInput = "socket";
    StandardOutput = "socket";
    StandardError = "journal";
    Slice = "polder-gate.slice";
  };

  # It runs as root, because only root may ask systemd and the store for what it does. The switch itself runs in a unit of its own
  # (`polder-activate.service`), and completes without the gate.
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
      # It only starts short-lived commands that ask the store and systemd.
      MemoryMax = "512M";
      TasksMax = 128;

      # Not hardening.nix: whoever can have a system activated is root, in whatever sandbox the request is served. Strangers are kept
      # out because nothing of an instruction is parsed before its signature is verified. The sandbox limits mistakes in the rest, and
      # denies what no request needs: the network, devices, the kernel, users' homes.
      NoNewPrivileges = true;
      RestrictSUIDSGID = true;
      RestrictAddressFamilies = [ "AF_UNIX" ];
      # Nix creates a mount namespace to make the store writable. It needs no other kind.
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

  # The entries of a list of Nix users (`trusted-users`) that include the deploy user.
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
  options.polder.pushTarget = {
    enable = mkOption {
      type = types.bool;
      default = admins != { };
      defaultText = lib.literalMD "whether an admin machine of the fleet has `deployKeys`";
      description = "Whether this host accepts pushes from the admin machines of the fleet.";
    };
    user = mkOption {
      type = types.str;
      default = "polder-deploy";
      description = "The user as whom admin machines log in to push. Its only command is `polder gate`, and the store does not trust it.";
    };
    extraAddresses = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "203.0.113.7" ];
      description = ''
        Further source addresses of admin machines, or networks in the notation of sshd and nftables: for admin machines behind
        address translation, for example. Deploy keys are refused from anywhere else.
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
      # Links whose paths never change, so that a new package changes neither authorized keys nor units.
      "polder/bin/polder".source = "${config.polder.package}/bin/polder";
      "polder/signing-keys".text = lib.concatLines signingKeys;
    };

    # The operator's command, for those who are logged in: `polder log` on the host itself, when no admin machine can reach it.
    environment.systemPackages = [ config.polder.package ];

    # Uploads in progress. Only the owner can see them, and the store verifies them.
    systemd.tmpfiles.settings.polder-push.${spool}.d = {
      mode = "0700";
      inherit (cfg) user;
      group = cfg.user;
    };

    # Garbage collector roots for systems that were copied and are not confirmed yet.
    systemd.tmpfiles.settings.polder-push."/nix/var/nix/gcroots/polder-push".d = {
      mode = "0755";
      user = "root";
      group = "root";
    };

    users.groups.${cfg.user} = { };
    users.users.${cfg.user} = {
      isSystemUser = true;
      group = cfg.user;
      # sshd runs the forced command through the shell.
      useDefaultShell = true;
      # No password opens it; but a locked account ("!") is closed to keys too, where sshd runs without PAM.
      hashedPassword = "*";
      openssh.authorizedKeys.keys = deployKeys;
    };

    # The user who passes requests on to the daemons: the daemons' groups may open their admin sockets, and nothing else of theirs.
    users.groups.polder-relay = { };
    users.users.polder-relay = {
      isSystemUser = true;
      group = "polder-relay";
      extraGroups = map (daemon: config.users.users.${daemon.name}.group) daemons;
    };

    # Port 22 is open to admin machines only. On admin machines, where operators log in, and on those with the repository, where
    # committers do, it stays open as NixOS has it.
    networking.nftables.enable = lib.mkDefault true;
    networking.firewall.extraInputRules = lib.concatMapStrings (
      port: firewall.only port (lib.concatMap addressesOf (lib.attrValues admins))
    ) config.services.openssh.ports;
    services.openssh.openFirewall = lib.mkDefault (
      admins ? ${config.polder.host}
      || config.polder.svn.enable or false
      || config.polder.svnMirror.enable or false
    );

    # Keys only: there is no password to guess.
    services.openssh = {
      enable = true;
      settings = {
        PasswordAuthentication = lib.mkDefault false;
        KbdInteractiveAuthentication = lib.mkDefault false;
      };
      # What `restrict` denies each key, denied to the user too. A client that is gone is noticed within 15 s, and does not occupy a
      # connection of the gate until TCP gives up. `Match All` ends the block, so that lines of other modules apply to everybody.
      extraConfig = ''
        Match User ${cfg.user}
          AuthenticationMethods publickey
          # Only the keys above: none from certificates or a command.
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

    # In addition to the keys that this machine trusts already. The store refuses a path that none of them has signed.
    nix.settings.trusted-public-keys = signingKeys;
    # Only administrators and uploads may use the store. Daemons and other accounts may not.
    nix.settings.allowed-users = lib.mkDefault [
      "root"
      "@wheel"
      cfg.user
    ];

    systemd.sockets = {
      polder-gate = entrance "Gate of the fleet's pushes" "/run/polder-gate/socket";
      # A socket of its own, so that unsigned questions cannot use up the connections for signed instructions.
      polder-gate-signed = entrance "Gate of the fleet's pushes, for what is signed" "/run/polder-gate/signed";
      polder-relay = entrance "Relay of the fleet's operators to the daemons of this host" "/run/polder-gate/relay";
    };

    # A limit for all of them together: a client that sends many requests and reads no answer takes no memory from the daemons.
    systemd.slices.polder-gate = {
      description = "Gate and relay of the fleet's pushes";
      sliceConfig = {
        MemoryMax = "1G";
        TasksMax = 512;
      };
    };

    systemd.services = {
      # After a restart: a push that has restarted this host goes on, and one that the restart has interrupted ends, also when no pusher asks.
      polder-after-boot = {
        description = "Go on after a restart with a push that was under way";
        wantedBy = [ "multi-user.target" ];
        after = [
          "network.target"
          "sshd.service"
        ];
        restartIfChanged = false;
        unitConfig.ConditionPathExists = "/var/lib/polder-push/activation.json";
        path = [
          config.nix.package
          config.systemd.package
        ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "/etc/polder/bin/polder activate --after-boot";
        };
      };
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
