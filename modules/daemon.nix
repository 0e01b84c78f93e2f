# What the two daemons have in common as units of a machine: document, user, reload, takeover, crash, limits.
#
# Called by proxy.nix and nameserver.nix. The life of a daemon under systemd:
# - The unit never names a store path of its document or program: both are links under /etc/polder. A switch moves the links,
#   sees that the unit's triggers differ, and reloads (reloadIfChanged). ExecReload asks the daemon, over its admin socket,
#   and returns its verdict. The daemon reads the document again, or starts the program under /etc/polder/bin with
#   --takeover when that is another build: the visitor's connections see neither.
# - After a crash systemd starts it again with the listening sockets it had stored (FileDescriptorStoreMax).
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
    group = "polder";
  };
  # Who is in it may use the admin socket, and read the keys.
  users.groups.polder = { };

  # A key that is put here by hand gets its group at the next switch or start. Other places are their own tool's business.
  systemd.tmpfiles.settings.polder-keys = {
    "/var/lib/polder-keys".d = {
      mode = "0750";
      user = "root";
      group = "polder";
    };
    "/var/lib/polder-keys/*".z = {
      mode = "0640";
      user = "root";
      group = "polder";
    };
  };

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
      ExecStart = "${program} --config ${path} --successor ${program}";
      ExecReload = "${lib.getExe cfg.package} reload --socket /run/${name}/admin.sock";
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
      Group = "polder";
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
