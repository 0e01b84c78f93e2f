# The role svn: the repository in which the fleet is defined. It is made on first boot, guarded by a hook and copied every night.
#
# Must never be needed to serve or to push: the machines that visitors reach do not know it. A mirror (svn-mirror.nix) has the same
# account, hooks and keys, so that nothing is missing when it is promoted.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.svn;
  inherit (config.polder) fleet host;

  root = "/var/lib/polder-svn";
  repository = "${root}/${cfg.repository}";
  svn = pkgs.subversion;

  # The sandbox for programs that read what a committer wrote.
  confined = pkgs.writeShellApplication {
    name = "polder-svn-confined";
    # The PATH of the hook, which calls it with programs of its own.
    inheritPath = true;
    runtimeInputs = [
      pkgs.coreutils
      pkgs.util-linux
    ];
    text = builtins.readFile ./svn/confined.sh;
  };

  preCommit = pkgs.writeShellApplication {
    name = "pre-commit";
    # Subversion runs hooks with an empty environment.
    inheritPath = false;
    runtimeInputs = [
      pkgs.coreutils
      pkgs.gnugrep
      pkgs.gnused
      pkgs.jq
      pkgs.util-linux
      config.nix.package
      config.polder.package
      confined
      svn
    ];
    text = builtins.readFile ./svn/pre-commit.sh;
  };

  # Notes in the journal of the machine who committed what.
  postCommit = pkgs.writeShellApplication {
    name = "post-commit";
    inheritPath = false;
    runtimeInputs = [
      pkgs.coreutils
      pkgs.util-linux
      svn
    ];
    text = ''
      author=$(svnlook author --revision "$2" "$1")
      changed=$(svnlook changed --revision "$2" "$1" | wc -l)
      logger --tag polder-svn "r$2 by $author, $changed paths: deployed once it is pushed"
    '';
  };

  hotcopy = pkgs.writeShellApplication {
    name = "polder-svn-hotcopy";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.findutils
      svn
    ];
    text = ''
      today=${lib.escapeShellArg cfg.backup.directory}/$(date +%Y-%m-%d)
      rm -rf "$today" "$today.new"
      svnadmin hotcopy ${lib.escapeShellArg repository} "$today.new"
      svnadmin verify --quiet "$today.new"
      # Renamed only when it is complete.
      mv "$today.new" "$today"
      find ${lib.escapeShellArg cfg.backup.directory} -mindepth 1 -maxdepth 1 -name '????-??-??' \
        | sort | head -n -${toString cfg.backup.keep} | xargs --no-run-if-empty rm -rf
    '';
  };

  # svnserve identifies each committer by the key of the connection.
  sshKeys =
    lib.concatLists (
      lib.mapAttrsToList (
        user: this:
        map (
          key: ''restrict,command="${svn}/bin/svnserve --tunnel --tunnel-user=${user} --root ${root}" ${key}''
        ) this.keys
      ) cfg.users
    )
    ++ lib.mapAttrsToList (
      name: key:
      ''restrict,command="${svn}/bin/svnserve --tunnel --tunnel-user=${name} --read-only --root ${root}" ${key}''
    ) cfg.readers;

  hardening = import ./hardening.nix;
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "polder" "svn" "access" ] ''
      Its mode "sasl" knew passwords in the clear on the server and DIGEST-MD5 on the way, which RFC 6331 retired. Committers come
      over ssh with a key each: name them in polder.svn.users, and let them `svn relocate` to polder.svn.url.
    '')
  ];

  options.polder.svn = {
    enable = mkOption {
      type = types.bool;
      default = lib.elem "svn" (fleet.hosts.${host}.roles or [ ]);
      defaultText = lib.literalMD "whether this host has the role svn";
      description = "Whether this host keeps the fleet's repository.";
    };
    repository = mkOption {
      type = types.strMatching "[A-Za-z0-9_-]+";
      default = "fleet";
      description = "The name of the repository: the last part of its URL.";
    };
    url = mkOption {
      type = types.str;
      readOnly = true;
      default =
        let
          servers = (import ./fleet/members.nix { inherit lib fleet; }).hostsOf "svn";
          name = if servers == [ ] then host else lib.head servers;
        in
        "svn+ssh://svn@${name}/${cfg.repository}";
      defaultText = lib.literalExpression ''"svn+ssh://svn@HOST/fleet"'';
      description = "The URL of the repository.";
    };
    users = mkOption {
      type = types.attrsOf (
        types.submodule {
          options.keys = mkOption {
            type = types.listOf types.singleLineStr;
            default = [ ];
            example = [ "ssh-ed25519 AAAA... alice" ];
            description = "The SSH public keys of the committer.";
          };
        }
      );
      default = { };
      example = {
        alice.keys = [ "ssh-ed25519 AAAA... alice" ];
      };
      description = "Who may commit, by the name that appears in the log.";
    };
    readers = mkOption {
      type = types.attrsOf types.singleLineStr;
      default = { };
      example = {
        mirror-ch = "ssh-ed25519 AAAA... mirror-ch";
      };
      description = "SSH public keys that may read but not commit, by name: those of mirrors (`polder.svnMirror`).";
    };
    hook = mkOption {
      type = types.package;
      default = preCommit;
      defaultText = lib.literalMD "the hook of this module";
      description = ''
        The pre-commit hook: a package with the program `bin/pre-commit`, which is called with the repository and the transaction.
        The default rejects Nix files and JSON that do not parse, and zones that the nameserver would refuse, with file and line.
      '';
    };
    backup = {
      directory = mkOption {
        type = types.str;
        default = "/var/backup/polder-svn";
        description = "The directory for the nightly copies (`svnadmin hotcopy`), preferably on another disk. Each is a directory with the date as its name.";
      };
      keep = mkOption {
        type = types.ints.positive;
        default = 14;
        description = "How many copies to keep.";
      };
      startAt = mkOption {
        type = types.str;
        default = "03:30";
        description = "When the copies are made (systemd.time(7)).";
      };
    };
  };

  config = lib.mkMerge [
    (lib.mkIf (cfg.enable || config.polder.svnMirror.enable) {
      environment.systemPackages = [ svn ];

      users.groups.svn = { };
      users.users.svn = {
        isSystemUser = true;
        group = "svn";
        home = root;
        # sshd runs the forced command through the shell.
        useDefaultShell = true;
        # No password opens it; but a locked account ("!") is closed to keys too, where sshd runs without PAM.
        hashedPassword = "*";
      };

      # Links, so that a switch also updates the hooks of an existing repository.
      environment.etc = {
        "polder/svn/pre-commit".source = "${cfg.hook}/bin/pre-commit";
        "polder/svn/confined".source = lib.getExe confined;
        "polder/svn/post-commit".source = lib.getExe postCommit;
        "polder/svn/svnserve.conf".text = ''
          [general]
          anon-access = none
          auth-access = write
          realm = polder
        '';
      };
    })

    (lib.mkIf cfg.enable {
      systemd.tmpfiles.settings.polder-svn.${cfg.backup.directory}.d = {
        mode = "0750";
        user = "svn";
        group = "svn";
      };

      systemd.services.polder-svn-repository = {
        description = "Make the fleet's repository if there is none";
        wantedBy = [ "multi-user.target" ];
        before = [ "sshd.service" ];
        path = [ svn ];
        script = ''
          if ! [ -e ${repository}/format ]; then
            svnadmin create ${repository}
          fi
          ln -sfn /etc/polder/svn/pre-commit ${repository}/hooks/pre-commit
          ln -sfn /etc/polder/svn/post-commit ${repository}/hooks/post-commit
          # Those of a mirror, if this was one.
          rm -f ${repository}/hooks/start-commit ${repository}/hooks/pre-revprop-change
          ln -sfn /etc/polder/svn/svnserve.conf ${repository}/conf/svnserve.conf
        '';
        serviceConfig = hardening // {
          Type = "oneshot";
          RemainAfterExit = true;
          User = "svn";
          Group = "svn";
          StateDirectory = "polder-svn";
          StateDirectoryMode = "0750";
          PrivateNetwork = true;
        };
      };

      systemd.services.polder-svn-hotcopy = {
        description = "Copy the fleet's repository";
        inherit (cfg.backup) startAt;
        requires = [ "polder-svn-repository.service" ];
        after = [ "polder-svn-repository.service" ];
        serviceConfig = hardening // {
          Type = "oneshot";
          ExecStart = lib.getExe hotcopy;
          User = "svn";
          Group = "svn";
          # A hot copy locks the repository for a moment.
          ReadWritePaths = [
            root
            cfg.backup.directory
          ];
          PrivateNetwork = true;
        };
      };
      # A machine that was off at night makes the copy when it starts.
      systemd.timers.polder-svn-hotcopy.timerConfig.Persistent = true;
    })

    (lib.mkIf (cfg.enable || config.polder.svnMirror.enable) {
      services.openssh.enable = true;
      users.users.svn.openssh.authorizedKeys.keys = sshKeys;
      assertions = [
        {
          assertion = sshKeys != [ ] || !cfg.enable;
          message = "polder.svn.users: nobody has a key, so nobody could commit on ${host}";
        }
      ];
    })
  ];
}
