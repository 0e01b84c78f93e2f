# A copy of the fleet's repository on another host, at most a minute old: no history is lost with the svn machine.
#
# Owns the copy while this host is not the svn machine itself. The copy is where the role svn would have the repository, and accepts
# nothing but what it fetches from the svn machine, which knows its key as one that may only read. It becomes the repository in two
# ways: at once by `polder-svn-promote`, and with the next push by the role svn (docs/nixos.md has the steps).
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.svnMirror;
  inherit (config.polder) fleet host;

  root = "/var/lib/polder-svn";
  repository = "${root}/${config.polder.svn.repository}";
  servers = (import ./fleet/members.nix { inherit lib fleet; }).hostsOf "svn";
  server = if servers == [ ] then "none" else lib.head servers;
  hostKey = fleet.hosts.${server}.hostKey or null;
  knownHosts = pkgs.writeText "svn-known-hosts" "${server} ${toString hostKey}\n";

  keyDirectory = "polder-svn-mirror";

  # The author of what the sync writes: a name that no committer has.
  syncUser = "polder-mirror";
  # A promotion leaves this file, so that the timer of an older system does not follow the old machine again.
  promoted = "${root}/promoted";

  refusal = ''echo "this is a mirror of ${config.polder.svn.url}: commit there" >&2; exit 1'';
  hooks = {
    # REPOSITORY USER ...
    start-commit = pkgs.writeShellScript "start-commit" ''
      [ "$2" = ${syncUser} ] || { ${refusal}; }
    '';
    # REPOSITORY REVISION USER ...
    pre-revprop-change = pkgs.writeShellScript "pre-revprop-change" ''
      [ "$3" = ${syncUser} ] || { ${refusal}; }
    '';
  };

  # The beginning of both programs.
  reach = ''
    url=${lib.escapeShellArg config.polder.svn.url}
    repository=${lib.escapeShellArg repository}
    key=${lib.escapeShellArg cfg.keyFile}
    export SVN_SSH="ssh -i $key -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=10 \
      -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${knownHosts} -o HostKeyAlias=${server}"
  '';

  sync = pkgs.writeShellApplication {
    name = "polder-svn-sync";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.openssh
      pkgs.subversion
    ];
    text = reach + ''
      if [ -e ${promoted} ]; then
        echo "this copy was promoted on $(cat ${promoted}): it follows nobody. To make it a mirror again, move ${root} away."
        exit 0
      fi
      if ! [ -e "$repository/format" ]; then
        svnadmin create "$repository"
      fi
      ln -sfn ${hooks.start-commit} "$repository/hooks/start-commit"
      ln -sfn ${hooks.pre-revprop-change} "$repository/hooks/pre-revprop-change"
      ln -sfn /etc/polder/svn/svnserve.conf "$repository/conf/svnserve.conf"
      # Made here, so that it is never copied. If another tool brings the key later, the next run uses that.
      if ! [ -e "$key" ]; then
        ssh-keygen -q -t ed25519 -N "" -C "mirror on ${host}" -f "$key" || true
        # ssh would offer this public key even after the private one was replaced.
        rm -f "$key.pub"
      fi
      # Succeeds if the svn machine is gone or does not know this key yet: a unit that fails during a switch would count against the
      # system that is on trial, and pushes must work then.
      unless_gone() {
        if svn info --non-interactive "$url" >/dev/null; then
          return
        fi
        echo "<4>$url is not reached: the copy stays at revision $(svnlook youngest "$repository")." \
          "The key that polder.svn.readers there has to list: $(ssh-keygen -y -f "$key" 2>&1)"
        exit 0
      }
      unless_gone
      if ! svn propget --revprop --revision 0 svn:sync-from-url "file://$repository" >/dev/null 2>&1; then
        # With the same UUID, working copies of one repository are working copies of the other.
        uuid=$(svn info --non-interactive --show-item repos-uuid "$url")
        svnadmin setuuid "$repository" "$uuid"
        svnsync initialize --non-interactive --no-auth-cache --quiet --sync-username ${syncUser} "file://$repository" "$url"
      fi
      # A sync that was interrupted still holds its lock; nobody else syncs here. The user name is not cached, or every local commit
      # would have it.
      if ! svnsync synchronize --non-interactive --no-auth-cache --quiet --steal-lock --sync-username ${syncUser} \
        "file://$repository"; then
        # The svn machine may have disappeared in between.
        unless_gone
        exit 1
      fi
    '';
  };

  promote = pkgs.writeShellApplication {
    name = "polder-svn-promote";
    runtimeInputs = [
      config.systemd.package
      pkgs.coreutils
      pkgs.openssh
      pkgs.subversion
      pkgs.util-linux
    ];
    text = reach + ''
      refuse() {
        echo "polder-svn-promote: $1" >&2
        exit 1
      }
      as_svn() {
        runuser --user svn -- "$@"
      }
      [ "$(id --user)" = 0 ] || refuse "only root can promote this copy"
      if ! [ -e "$repository/format" ] || [ "$(svnlook youngest "$repository")" = 0 ]; then
        refuse "there is no copy in $repository: it was never synced (journalctl --unit polder-svn-mirror)"
      fi
      [ -e ${promoted} ] && refuse "this copy was promoted on $(cat ${promoted}) already"
      if [ "''${1-}" != --even-so ] && as_svn svn info --non-interactive "$url" >/dev/null 2>&1; then
        refuse "$url still answers: two repositories would grow apart. Stop that machine first, or say --even-so"
      fi

      # Neither during a sync, nor with one afterwards.
      systemctl stop polder-svn-mirror.timer polder-svn-mirror.service
      if ! as_svn svnadmin verify --quiet "$repository"; then
        systemctl start polder-svn-mirror.timer
        refuse "the copy is damaged: nothing was changed"
      fi
      for property in svn:sync-from-url svn:sync-from-uuid svn:sync-last-merged-rev svn:sync-currently-copying svn:sync-lock; do
        as_svn svnadmin delrevprop "$repository" --revision 0 "$property" >/dev/null 2>&1 || true
      done
      as_svn ln -sfn /etc/polder/svn/pre-commit "$repository/hooks/pre-commit"
      as_svn ln -sfn /etc/polder/svn/post-commit "$repository/hooks/post-commit"
      as_svn rm -f "$repository/hooks/start-commit" "$repository/hooks/pre-revprop-change"
      date +%Y-%m-%d | as_svn tee ${promoted} >/dev/null

      echo "promoted at revision $(svnlook youngest "$repository"), the last of it:"
      svnlook info "$repository"
      echo "In each working copy: svn relocate svn+ssh://svn@${host}/${config.polder.svn.repository}"
      echo "Then give ${host} the role svn instead of ${server}, and push: nightly copies come with the role."
    '';
  };
in
{
  options.polder.svnMirror = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether this host keeps a copy of the fleet's repository, preferably in another location than the svn machine.
        `polder.svn.users` of this host can read the copy, and commit to it once it is promoted.
      '';
    };
    keyFile = mkOption {
      type = (import ./fleet/types.nix { inherit lib; }).keyPath;
      default = "/var/lib/${keyDirectory}/key";
      description = ''
        The private SSH key with which this host reads the repository. The user `svn` must be able to read it. It is made if it
        does not exist. Add its public key to `polder.svn.readers` on the svn machine; until then, `journalctl --unit
        polder-svn-mirror` shows it.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.polder.svn.enable;
        message = "polder.svnMirror.enable: this host is the svn machine itself: a promoted mirror is none any more";
      }
      {
        assertion = servers != [ ];
        message = "polder.svnMirror.enable: there is no svn machine that it could read over ssh";
      }
      {
        assertion = servers == [ ] || hostKey != null;
        message = "polder.fleet.hosts.${toString servers}.hostKey is not set: the mirror knows the svn machine by it";
      }
    ];

    environment.systemPackages = [ promote ];

    systemd.services.polder-svn-mirror = {
      description = "Follow the fleet's repository";
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      serviceConfig = import ./hardening.nix // {
        Type = "oneshot";
        ExecStart = lib.getExe sync;
        User = "svn";
        Group = "svn";
        StateDirectory = [
          "polder-svn"
          keyDirectory
        ];
        StateDirectoryMode = "0750";
      };
    };
    systemd.timers.polder-svn-mirror = {
      description = "Follow the fleet's repository every minute";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "30s";
        OnUnitInactiveSec = "1min";
      };
    };
  };
}
