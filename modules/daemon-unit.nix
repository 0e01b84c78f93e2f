# mkDaemonUnit: a daemon as a unit of the machine, with its document, user, keys, reload and limits. Called by daemon-role.nix.
#
# The life of a daemon under systemd:
# - The unit never names a store path of its document or program: both are links under /etc/polder. A switch moves the links, finds
#   that the unit's triggers differ, and reloads (reloadIfChanged). ExecReload asks the daemon, over its admin socket, and returns
#   its verdict. The daemon reads the document again or, when the program is another build, starts it with --takeover: visitors'
#   connections see neither.
# - After a crash systemd starts it again with the listening sockets that it had stored (FileDescriptorStoreMax).
#
# Who can read what: each daemon is a user and a group of its own. The user alone reads its keys and its state; members of the group
# may connect to its admin socket, and so operators are in it. Keys are files that the daemon opens itself, and not
# LoadCredential=: systemd copies credentials when a unit starts, and they stay as they are while it runs
# (https://systemd.io/CREDENTIALS; refreshing them at a reload came after systemd 258, systemd/systemd#40093). Here a key is
# replaced by a reload and no switch restarts a daemon, so a new credential would only be seen after the next crash. The owner and
# mode of the file do what the credential would do.
{
  config,
  lib,
  pkgs,
}:

{
  # "polder-proxy"
  name,
  description,
  # The document's file name under /etc/polder, and its value.
  document,
  settings,
  # How long it may take to stop.
  stopTimeout,
  memoryMax,
  # The files of keys that the daemon reads, beside its own identity.
  keyFiles,
  # The folders that have such files in them, whatever they are called.
  keyFolders,
}:

let
  cfg = config.polder;
  # A default of the module is left out by `null`, which no document has.
  given = lib.filterAttrs (_: value: value != null) settings;
  rendered = (pkgs.formats.json { }).generate document given;
  # The daemon itself checks the document, and the zone files that it names. This reads no keys and opens no sockets.
  checked = pkgs.runCommand document { } ''
    cp ${rendered} ${document}
    ${cfg.checkPackage}/bin/${name} --config ${document} --check-config
    cp ${document} $out
  '';
  program = "/etc/polder/bin/${name}";
  # The key pair by which the daemon's peers know it. Made before it is needed, so that it can be listed in the fleet.
  makeIdentity = "${lib.getExe cfg.package} keys identity --make /var/lib/${name}/identity.key";
  # Keys elsewhere are the business of the tool that puts them there.
  keyDirectory = "/var/lib/polder-keys";
  ownKeys = lib.filter (lib.hasPrefix "${keyDirectory}/") (lib.unique keyFiles);
  ownFolders = lib.filter (lib.hasPrefix "${keyDirectory}/") (lib.unique keyFolders);
  readableByDaemon = {
    mode = "0400";
    user = name;
    group = "root";
  };
  # In its own name the daemon's user may put keys there too; for the daemon itself all of /var but its state is read-only. The mode of a file has no
  # bit that it did not have before (tmpfiles.d(5), `~`): it is not made executable.
  folderOfDaemon = readableByDaemon // {
    mode = "0700";
  };
  inFolderOfDaemon = readableByDaemon // {
    mode = "~0700";
  };
in
{
  environment.etc = {
    "polder/${document}".source = checked;
    "polder/bin/${name}".source = "${cfg.package}/bin/${name}";
  };

  # The operator's command, for those who are logged in here: `polder status`.
  environment.systemPackages = [ cfg.package ];

  users.users.${name} = {
    isSystemUser = true;
    group = name;
  };
  # Its members may use the admin socket, and no more: none of the daemon's files is the group's.
  users.groups.${name} = { };

  # Root puts a key here; from the next switch or start on its daemon alone can read it. An empty file is made where there is none, so
  # that a key that comes through the gate keeps the owner that it finds.
  systemd.tmpfiles.settings.polder-keys = {
    ${keyDirectory}.d = {
      mode = "0711";
      user = "root";
      group = "root";
    };
  }
  // lib.genAttrs ownKeys (_: {
    f = readableByDaemon;
    z = readableByDaemon;
  })
  // lib.genAttrs ownFolders (_: {
    d = folderOfDaemon;
    Z = inFolderOfDaemon;
  });

  systemd.services.${name} = {
    inherit description;
    documentation = [ "man:polder(1)" ];
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    reloadIfChanged = true;
    restartTriggers = [
      checked
      cfg.package
    ];
    # It is the visitors' way in: systemd never stops trying.
    startLimitIntervalSec = 0;

    serviceConfig = import ./hardening.nix // {
      Type = "notify";
      # A takeover's successor is a child of the main process until it says that it is the main process.
      NotifyAccess = "all";
      ExecStartPre = makeIdentity;
      ExecStart = "${program} --config /etc/polder/${document} --successor ${program}";
      ExecReload = [
        makeIdentity
        "${lib.getExe cfg.package} reload --socket /run/${name}/admin.sock"
      ];
      Restart = "always";
      RestartSec = "100ms";
      WatchdogSec = "10s";
      # The first round of checks, or a successor's whole takeover.
      TimeoutStartSec = "180s";
      TimeoutStopSec = stopTimeout;

      # Every listening socket, one for each worker: 64 cores and a handful of listeners.
      FileDescriptorStoreMax = 512;
      LimitNOFILE = 262144;
      # Beyond a limit journald drops lines of the unit, whichever they are: a flood of requests in the access log would silence the daemon
      # itself. The daemon bounds what it is refused for by itself (docs/logs.md), and `sample` what is good.
      LogRateLimitIntervalSec = 0;
      # During a takeover there are two processes, for as long as the older one drains.
      MemoryMax = memoryMax;
      TasksMax = 1024;

      User = name;
      Group = name;
      StateDirectory = name;
      StateDirectoryMode = "0700";
      RuntimeDirectory = name;
      RuntimeDirectoryMode = "0750";
      # The stored admin socket is of use only while its name is there.
      RuntimeDirectoryPreserve = "restart";

      CapabilityBoundingSet = [ "CAP_NET_BIND_SERVICE" ];
      AmbientCapabilities = [ "CAP_NET_BIND_SERVICE" ];
    };
  };
}
