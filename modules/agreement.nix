# A member of etcd, on the hosts of polder.fleet.agreement.hosts: it keeps what the proxies have agreed upon.
#
# Owns etcd and its upkeep (snapshots, defragmentation), its certificate, which the proxies use too, and the ports. What is agreed upon, and
# how, is the proxies' own business. etcd speaks TLS only, and with none but those who have a certificate of the fleet's authority (`polder
# keys agreement`).
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.agreement;
  inherit (config.polder) fleet host;
  members = import ./fleet/members.nix { inherit lib fleet; };
  fleetTypes = import ./fleet/types.nix { inherit lib; };
  firewall = import ./firewall.nix { inherit lib; };
  daemons = import ./daemons.nix;
  ports = import ./fleet/agreement-ports.nix;

  inherit (fleet.agreement) hosts;
  # Hosts that are not known are left to an assertion.
  known = lib.filter (name: fleet.hosts ? ${name}) hosts;
  isMember = lib.elem host known;
  isProxy = hosts != [ ] && config.polder.proxy.enable or false;
  addressesOf = lib.concatMap (name: fleet.hosts.${name}.addresses);
  url = name: port: "https://${fleet.hosts.${name}.socket port}";

  locations = lib.unique (map (name: fleet.hosts.${name}.location) known);
  membersIn = location: lib.count (name: fleet.hosts.${name}.location == location) known;
  majority = lib.head (lib.sort (a: b: membersIn a > membersIn b) locations);

  stateDirectory = "/var/lib/etcd";
  snapshots = "polder-agreement";
  clusterToken = "polder-agreement";
  # Of which there is one each hour.
  kept = 48;
  group = "polder-agreement";
  keyDirectory = "/var/lib/polder-keys";
  own = lib.filter (lib.hasPrefix "${keyDirectory}/") (lib.unique (lib.attrValues cfg.tls));
  # The proxy reads them as their owner: a running one gets no new group by a reload. etcd reads them as a member of the group.
  access = {
    mode = "0440";
    user = if isProxy then daemons.proxy.name else "root";
    inherit group;
  };

  # What `polder agreement` knows of the members, here and on the proxies.
  document = {
    version = 1;
    members = lib.genAttrs known (name: {
      client = url name ports.client;
      peer = url name ports.member;
    });
    inherit (cfg) tls;
    token = clusterToken;
  }
  // lib.optionalAttrs isMember {
    name = host;
    data_dir = stateDirectory;
  };

  etcdctl = lib.concatStringsSep " " [
    "${config.services.etcd.package}/bin/etcdctl"
    "--endpoints=${url host ports.client}"
    "--cacert=${cfg.tls.ca}"
    "--cert=${cfg.tls.certificate}"
    "--key=${cfg.tls.key}"
  ];
  # What speaks with the own member, as the user of etcd.
  upkeep = description: commands: {
    inherit description;
    after = [ "etcd.service" ];
    unitConfig.ConditionFileNotEmpty = cfg.tls.key;
    script = "set -eu\n${commands}";
    serviceConfig = import ./hardening.nix // {
      Type = "oneshot";
      User = "etcd";
      Group = "etcd";
      SupplementaryGroups = [ group ];
      IOSchedulingClass = "idle";
      Nice = 10;
    };
  };
  # Each member an hour after the one before, so that never two of them stop answering at once.
  turn = lib.lists.findFirstIndex (name: name == host) 0 known;
in
{
  options.polder.agreement.tls =
    let
      file =
        description:
        mkOption {
          type = fleetTypes.keyPath;
          description = ''
            ${description} `polder keys agreement` puts it at the default; give another path if a secrets manager of yours has the result of `polder
            keys agreement --to`. The proxy (as the file's owner) and etcd (by the group `${group}`) read it.
          '';
        };
    in
    {
      ca = file "The authorities that hosts of the agreement trust, in PEM." // {
        default = "${keyDirectory}/agreement-ca.pem";
      };
      certificate = file "This host's certificate for the agreement, in PEM." // {
        default = "${keyDirectory}/agreement.pem";
      };
      key = file "The key of that certificate, in PEM; it may be in the same file." // {
        default = "${keyDirectory}/agreement.pem";
      };
    };

  config = lib.mkMerge [
    (lib.mkIf (isMember || isProxy) {
      users.groups.${group} = { };
      environment.etc."polder/agreement.json".source =
        (pkgs.formats.json { }).generate "agreement.json"
          document;
      # As for the daemons' own keys: an empty file where there is none, so that one that comes through the gate keeps its owner.
      systemd.tmpfiles.settings.polder-keys = {
        ${keyDirectory}.d = {
          mode = "0711";
          user = "root";
          group = "root";
        };
      }
      // lib.genAttrs own (_: {
        f = access;
        z = access;
      });
    })

    (lib.mkIf isMember {
      # Said once for the fleet.
      warnings = lib.optionals (host == lib.head known) (
        lib.optional (lib.length hosts == 1)
          "polder.fleet.agreement.hosts: ${host} alone keeps the agreement, which is gone with it: three hosts survive the loss of one, five that of two"
        ++ lib.optional (
          lib.length hosts == 4
        ) "polder.fleet.agreement.hosts: four hosts survive the loss of one, as three do: add a fifth"
        ++ lib.optional (lib.length hosts > 1 && lib.length locations < 3) (
          "polder.fleet.agreement.hosts: the members are in ${lib.concatStringsSep " and " locations} only. "
          + "When the link between the places is cut, or the place with most of the members (${majority}) is lost, the other one has no "
          + "majority: nothing fails over there, and services with without_agreement = \"stop\" answer 503. "
          + "A small machine with the role witness in a third place lets either place be lost"
        )
        ++
          lib.optional (!fleet.agreement.formed)
            "polder.fleet.agreement.formed is false: the proxies do not agree there yet. Set it to true once all members have been pushed and `polder-etcdctl endpoint health --cluster` on ${host} finds them healthy"
      );

      services.etcd = {
        enable = true;
        name = host;
        dataDir = stateDirectory;
        listenClientUrls = [ (url host ports.client) ];
        listenPeerUrls = [ (url host ports.member) ];
        initialCluster = map (name: "${name}=${url name ports.member}") known;
        initialClusterState = if fleet.agreement.formed then "existing" else "new";
        initialClusterToken = clusterToken;
        clientCertAuth = true;
        peerClientCertAuth = true;
        trustedCaFile = cfg.tls.ca;
        certFile = cfg.tls.certificate;
        keyFile = cfg.tls.key;
        extraConf = {
          # It keeps a few hundred small keys: an hour of their past is more than anybody asks for.
          AUTO_COMPACTION_MODE = "periodic";
          AUTO_COMPACTION_RETENTION = "1h";
          QUOTA_BACKEND_BYTES = toString (256 * 1024 * 1024);
          # Metrics and health, which need no certificate, for the monitoring and for a push.
          LISTEN_METRICS_URLS = "http://${fleet.hosts.${host}.socket ports.metrics}";
          # A member that hears the others only at times asks whether it could win before it calls an election: it cannot unseat a leader
          # that all others hear. The default since etcd 3.5.
          PRE_VOTE = "true";
          LOG_LEVEL = "warn";
        };
      };

      environment.systemPackages = [
        # The variables of etcdctl for this host, so that the commands of docs/etcd.md are short.
        (pkgs.writeShellScriptBin "polder-etcdctl" ''exec ${etcdctl} "$@"'')
      ];

      systemd.services.etcd = {
        # Until the keys are there it is left alone, and is no failed unit that would stop a push.
        unitConfig.ConditionFileNotEmpty = cfg.tls.key;
        startLimitIntervalSec = 0;
        serviceConfig = import ./hardening.nix // {
          # Not "notify": it says that it is ready once there is a majority, and the members of a new cluster are pushed to one by one.
          Type = lib.mkForce "exec";
          RestartSec = lib.mkForce "2s";
          SupplementaryGroups = [ group ];
          StateDirectory = "etcd";
          StateDirectoryMode = "0700";
          # A member that waits for the processor or the disk is taken for dead by the others.
          CPUWeight = 1000;
          IOWeight = 1000;
          IOSchedulingClass = "best-effort";
          IOSchedulingPriority = 0;
          OOMScoreAdjust = -900;
          MemoryMax = "1G";
          TasksMax = 512;
        };
      };
      # A key that comes later starts it; etcd itself reads one anew with each connection.
      systemd.paths.polder-agreement-key = {
        description = "The certificate of this host for the agreement";
        wantedBy = [ "multi-user.target" ];
        pathConfig = {
          PathChanged = cfg.tls.key;
          Unit = "etcd.service";
        };
      };

      systemd.services.polder-agreement-snapshot =
        lib.recursiveUpdate
          (upkeep "Snapshot of what the proxies have agreed upon" ''
            cd "$STATE_DIRECTORY"
            # What an interrupted run has left.
            rm -f .snapshot-*
            name=snapshot-$(date --utc +%Y%m%dT%H%M%SZ).db
            ${etcdctl} --command-timeout=60s snapshot save ".$name"
            mv ".$name" "$name"
            # Names sort by age.
            for old in $(ls -1 snapshot-*.db | head --lines=-${toString kept}); do rm -f -- "$old"; done
          '')
          {
            serviceConfig = {
              StateDirectory = snapshots;
              StateDirectoryMode = "0700";
            };
          };
      systemd.timers.polder-agreement-snapshot = {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = "hourly";
          RandomizedDelaySec = "10m";
        };
      };

      systemd.services.polder-agreement-defragment = upkeep "Give back the room that etcd does not need" "${etcdctl} --command-timeout=60s defrag";
      systemd.timers.polder-agreement-defragment = {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = "Sun *-*-* 0${toString turn}:30:00 UTC";
          # Nobody's turn but the own: what was missed waits for the next.
          Persistent = false;
        };
      };

      networking.nftables.enable = lib.mkDefault true;
      networking.firewall.extraInputRules =
        firewall.only ports.client (members.addressesOf "proxy" ++ addressesOf known)
        + firewall.only ports.member (addressesOf (lib.remove host known))
        + firewall.only ports.metrics (members.addressesOf "admin" ++ fleet.metricsFrom);
    })
  ];
}
