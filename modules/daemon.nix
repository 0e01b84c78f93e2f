# What the two daemons have in common as units of a machine: document, user, reload, takeover, crash, limits.
#
# Called by proxy.nix and nameserver.nix. The life of a daemon under systemd:
# - The unit never names a store path of its document or program: both are links under /etc/polder. A switch moves the links,
#   sees that the unit's triggers differ, and reloads (reloadIfChanged). ExecReload asks the daemon, over its admin socket,
#   and returns its verdict. The daemon reads the document again, or starts the program under /etc/polder/bin with
#   --takeover when that is another build: the visitor's connections see neither.
# - After a crash systemd starts it again with the listening sockets it had stored (FileDescriptorStoreMax).
#
# Who can read what: each daemon is a user and a group of its own. The user alone reads its keys and its state; the group
# may connect to its admin socket, and so operators are in it. Keys are files that the daemon opens itself, and no
# LoadCredential=: systemd copies credentials when a unit starts, and they stay as they are while it runs
# (https://systemd.io/CREDENTIALS; refreshing them at a reload came after systemd 258, systemd/systemd#40093). Here a key is
# replaced by a reload and no switch restarts a daemon, so that a new key would be seen at the next crash only. The file's
# owner and mode do what the credential would do.
{
  lib,
  pkgs,
  config,
}:

{
  # "polder-proxy"
  name,
  description,
  # The document's file name under /etc/polder, and its value.
  file,
  settings,
  # How long it may take to stop: its drain and something on top.
  stopLimit,
  memoryMax,
  # The files of keys that the daemon reads, beside its own identity.
  keyFiles ? [ ],
}:

let
  cfg = config.polder;
  rendered = (pkgs.formats.json { }).generate file settings;
  # The daemon itself judges the document, and the zone files it names. It reads no keys and opens no sockets.
  document = pkgs.runCommand file { } ''
    cp ${rendered} ${file}
    ${cfg.checkPackage}/bin/${name} --config ${file} --check-config
    cp ${file} $out
  '';
  program = "/etc/polder/bin/${name}";
  path = "/etc/polder/${file}";
  # The key pair by which the daemon's peers know it. Made before it is needed, so that it can be listed in the fleet.
  makeIdentity = "${lib.getExe cfg.package} keys identity --make /var/lib/${name}/identity.key";
  # Other places are the business of the tool that fills them.
  keysHere = lib.filter (lib.hasPrefix "/var/lib/polder-keys/") (lib.unique keyFiles);
in
{
  environment.etc = {
    "polder/${file}".source = document;
    "polder/bin/${name}".source = "${cfg.package}/bin/${name}";
  };

  # The operator's command, for those who are logged in here: `polder status`.
  environment.systemPackages = [ cfg.package ];

  users.users.${name} = {
    isSystemUser = true;
    group = name;
  };
  # Who is in it may use the admin socket, and no more: of the daemon's files none is the group's.
  users.groups.${name} = { };

  # Whoever is root puts a key here; its daemon alone can read it from the next switch or start on. An empty file waits for
  # it, so that one that comes through the gate keeps the owner it finds.
  systemd.tmpfiles.settings.polder-keys = {
    "/var/lib/polder-keys".d = {
      mode = "0711";
      user = "root";
      group = "root";
    };
  }
  // lib.genAttrs keysHere (
    _:
    let
      own = {
        mode = "0400";
        user = name;
        group = "root";
      };
    in
    {
      f = own;
      z = own;
    }
  );

  systemd.services.${name} = {
    inherit description;
    documentation = [ "man:polder(1)" ];
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    reloadIfChanged = true;
    restartTriggers = [
      document
      cfg.package
    ];
    # It is the visitors' way in: never stop trying.
    startLimitIntervalSec = 0;

    serviceConfig = import ./hardening.nix // {
      Type = "notify";
      # A takeover's successor is a child of the main process until it says that it is the main process.
      NotifyAccess = "all";
      ExecStartPre = makeIdentity;
      ExecStart = "${program} --config ${path} --successor ${program}";
      ExecReload = [
        makeIdentity
        "${lib.getExe cfg.package} reload --socket /run/${name}/admin.sock"
      ];
      Restart = "always";
      RestartSec = "100ms";
      WatchdogSec = "10s";
      # The first round of checks, or a successor's whole takeover.
      TimeoutStartSec = "180s";
      TimeoutStopSec = stopLimit;

      # Every listening socket, for each worker its own: 64 cores and a handful of listeners.
      FileDescriptorStoreMax = 512;
      LimitNOFILE = 262144;
      # A takeover is two processes for as long as the older one drains.
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
