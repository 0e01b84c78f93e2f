# mkDaemonRole: the module of a role that a daemon of polder fills. Called by proxy.nix and nameserver.nix.
#
# Owns what both roles have in common: the options `enable`, `settings` and `memoryMax`; of the document the name, the admin address,
# the state directory and the peers; the unit (daemon-unit.nix); and the firewall. A role adds what its daemon alone serves.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  inherit (config.polder) fleet host;
  members = import ./fleet/members.nix { inherit lib fleet; };
  firewall = import ./firewall.nix { inherit lib; };
  mkDaemonUnit = import ./daemon-unit.nix { inherit config lib pkgs; };
in
{
  # One of the roles in daemons.nix.
  role,
  description,
  # What the role adds to the document, beside what every daemon's has. An operator's `settings` are merged with it.
  settings,
  settingsExample,
  # Where the rest of the document comes from, in the words of the option's description.
  settingsOrigin,
  # What stands in it unless the operator says something else, in a sentence.
  settingsDefaults ? null,
  # The default of the option: what the daemon may use of the machine's memory.
  memoryMax,
  # How long it may take to stop: its drain and some seconds on top.
  stopTimeout,
  # The files of keys that the daemon reads, beside its own identity.
  keyFiles,
  # The folders of such files.
  keyFolders ? [ ],
  # The certificates that the daemon shows, in files that somebody else puts there.
  certificates ? [ ],
  # The ports that are open to everybody.
  allowedTCPPorts ? [ ],
  allowedUDPPorts ? [ ],
  # By port, the addresses to which it is open.
  allowedTCPPortsFrom ? { },
  assertions,
}:

let
  daemon = (import ./daemons.nix).${role};
  cfg = config.polder.${role};
  this = fleet.hosts.${host};
  stateDirectory = "/var/lib/${daemon.name}";

  # All hosts of the role, this one included.
  peers = members.hostsOf role;
  keysOf = name: fleet.hosts.${name}.peerKeys.${role};
  peerSettings = {
    peers = {
      listen = this.socket daemon.peerPort;
      key_file = "${stateDirectory}/identity.key";
      members = lib.genAttrs peers (name: {
        address = fleet.hosts.${name}.socket daemon.peerPort;
        keys = keysOf name;
      });
    };
  };
  withoutKey = lib.filter (name: keysOf name == [ ]) peers;

  # The certificates of security.acme that the daemon is to show, and whose keys it could not read.
  certificateFiles = lib.concatMap (one: [
    one.chain_file
    one.key_file
  ]) certificates;
  unreadable = lib.filterAttrs (
    _: certificate:
    certificate.group != daemon.name
    && lib.any (lib.hasPrefix "${certificate.directory}/") certificateFiles
  ) (config.security.acme.certs or { });
  hasPeers = lib.length peers > 1;

  monitoring = fleet.metricsFrom;

  # Where an operator's browser finds the pages of all daemons, as far as it can reach them.
  pagesOf =
    role: daemon:
    let
      page =
        name:
        let
          this = fleet.hosts.${name};
        in
        if this.pages.${role} != null then
          this.pages.${role}
        else if monitoring != [ ] then
          "http://${this.socket daemon.adminPort}/"
        else
          null;
    in
    lib.filterAttrs (_: url: url != null) (lib.genAttrs (members.hostsOf role) page);
  pages = lib.filterAttrs (_: urls: urls != { }) (
    lib.mapAttrs' (role: daemon: lib.nameValuePair daemon.hosts (pagesOf role daemon)) (
      import ./daemons.nix
    )
  );

  commonSettings = {
    version = 1;
    name = host;
    admin = {
      socket = "/run/${daemon.name}/admin.sock";
      address = lib.mkDefault (
        if monitoring == [ ] then "127.0.0.1:${toString daemon.adminPort}" else this.socket daemon.adminPort
      );
      # What a monitoring may ask for besides the address that it connects to and the host's name.
      hosts = lib.mkDefault (
        this.addresses ++ lib.optional (config.networking.domain != null) config.networking.fqdn
      );
    }
    // lib.optionalAttrs (pages != { }) { pages = lib.mkDefault pages; };
    state_dir = stateDirectory;
  };
in
{
  options.polder.${role} = {
    enable = mkOption {
      type = types.bool;
      default = lib.elem role (fleet.hosts.${host}.roles or [ ]);
      defaultText = lib.literalMD "whether this host has the role ${role}";
      description = "Whether to run ${daemon.name}.";
    };
    settings = mkOption {
      type = types.submodule { freeformType = (pkgs.formats.json { }).type; };
      default = { };
      example = settingsExample;
      description = ''
        The configuration document /etc/polder/${daemon.document} ([documents.md](documents.md)), key for key. ${settingsOrigin}
        come from the fleet; set here what this host needs besides. The daemon checks the document when the system is built.
      ''
      + lib.optionalString (settingsDefaults != null) "\n${settingsDefaults}\n";
    };
    memoryMax = mkOption {
      type = types.str;
      default = memoryMax;
      description = "The most memory that the unit may use. During a takeover two processes share it.";
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      (mkDaemonUnit {
        inherit (daemon) name document;
        inherit (cfg) settings memoryMax;
        inherit
          description
          stopTimeout
          keyFiles
          keyFolders
          ;
      })
      {
        polder.${role}.settings = lib.mkMerge [
          commonSettings
          (lib.mkIf hasPeers peerSettings)
          settings
        ];

        assertions =
          assertions
          ++ lib.mapAttrsToList (name: certificate: {
            assertion = false;
            message = "security.acme.certs.\"${name}\".group is \"${certificate.group}\" on ${host}, and ${daemon.name} shows this certificate: it could not read the key; set it to \"${daemon.name}\"";
          }) unreadable;

        warnings = lib.optionals hasPeers (
          map (
            name:
            "polder.fleet.hosts.${name}.peerKeys.${role} is empty: the other ${daemon.hosts} do not speak to it, and its ${daemon.name} does not start. "
            + "As root on ${name}, `polder keys identity --make ${stateDirectory}/identity.key` prints what to put there"
          ) withoutKey
        );

        networking.nftables.enable = lib.mkDefault true;
        networking.firewall = {
          inherit allowedTCPPorts allowedUDPPorts;
          extraInputRules =
            firewall.only daemon.peerPort (
              lib.concatMap (name: fleet.hosts.${name}.addresses) (lib.remove host peers)
            )
            + firewall.only daemon.adminPort monitoring
            + lib.concatStrings (lib.mapAttrsToList firewall.only allowedTCPPortsFrom);
        };
      }
    ]
  );
}
