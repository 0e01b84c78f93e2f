# The fleet that the push tests boot, and the words that their scripts share.
#
# ./fleet is an operator's working copy: what is in it is the systems' definition, in the tests' first boot and in every push from
# an admin machine of the test, which evaluates and builds it itself. Ten machines of five roles in two locations, and a client.
{
  lib,
  pkgs,
  self,
  nixpkgs,
  # The test's name.
  test,
}:

let
  folder = ./fleet;
  hosts = map (lib.removeSuffix ".nix") (
    lib.filter (file: lib.hasSuffix ".nix" file && file != "default.nix") (
      lib.attrNames (builtins.readDir (folder + "/hosts"))
    )
  );
  admins = {
    admin-nl = "nl";
    admin-ch = "ch";
  };

  # A machine starts a test with an empty disk: see ../lib.nix.
  emptyDisk.system.activationScripts.empty-disk = ''
    if [ "$(cat /var/lib/test-name 2>/dev/null)" != ${test} ]; then
      rm -rf /var/lib/polder-* /var/backup /srv/fleet /home/alice
      mkdir -p /var/lib
      echo ${test} > /var/lib/test-name
    fi
  '';

  node =
    name:
    { config, ... }:
    {
      imports = [
        self.nixosModules.default
        (folder + "/hosts")
        (folder + "/hosts/${name}.nix")
        (folder + "/lab/common.nix")
        emptyDisk
      ];
      _module.args = { inherit nixpkgs; };
      polder.package = self.packages.${pkgs.stdenv.hostPlatform.system}.polder;
      virtualisation = {
        writableStore = true;
        useBootLoader = true;
      };
      # As ./fleet/lab/machine.nix has it.
      systemd.services.nix-daemon = lib.mkIf (!hasNixDaemon) {
        wantedBy = [ "multi-user.target" ];
        serviceConfig.ExecStart = "${pkgs.nix}/bin/nix-daemon --daemon";
        restartIfChanged = false;
      };
      assertions = [
        {
          assertion = config.networking.primaryIPAddress == config.polder.fleet.hosts.${name}.ipv4;
          message = "${name} is at ${config.networking.primaryIPAddress} in this test: ./fleet/hosts/default.nix says otherwise";
        }
      ];
    };
  hasNixDaemon = builtins.pathExists "${nixpkgs}/nixos/modules/testing/test-instrumentation.nix";

  # Where the fleet is evaluated and built.
  admin =
    name:
    { config, ... }:
    {
      imports = [ (node name) ];
      # What evaluation needs, and what was built for the first boot: a push builds only what changes.
      virtualisation.additionalPaths = [
        self.outPath
        nixpkgs.outPath
        config.polder.package
      ];
    };
in
{
  nodes =
    lib.genAttrs hosts (name: if admins ? ${name} then admin name else node name)
    // {
      client = {
        environment.systemPackages = [
          self.packages.${pkgs.stdenv.hostPlatform.system}.polder
          pkgs.dig
          pkgs.jq
        ];
      };
    };

  # Python that every script begins with.
  prelude =
    nodes:
    let
      flake = pkgs.writeText "flake.nix" ''
        {
          inputs.nixpkgs.url = "path:${nixpkgs.outPath}";
          inputs.polder.url = "path:${self.outPath}";
          inputs.polder.inputs.nixpkgs.follows = "nixpkgs";

          outputs =
            { polder, ... }:
            {
              nixosConfigurations = polder.lib.fleetSystems {
                folder = ./hosts;
                modules = [
                  ./lab/machine.nix
                  ./lab/common.nix
                ];
              };
            };
        }
      '';
      machines = pkgs.writeText "machines.json" (
        builtins.unsafeDiscardStringContext (
          builtins.toJSON (
            lib.genAttrs hosts (name: {
              ipv4 = nodes.${name}.networking.primaryIPAddress;
              ipv6 = nodes.${name}.networking.primaryIPv6Address;
              hosts = nodes.${name}.networking.extraHosts;
              backdoor =
                let
                  unit = nodes.${name}.systemd.services.backdoor;
                in
                {
                  inherit (unit) unitConfig wantedBy after;
                  serviceConfig = lib.filterAttrs (_: value: value != null) unit.serviceConfig;
                  restartIfChanged = false;
                };
            })
          )
        )
      );
      copy = pkgs.runCommand "working-copy" { } ''
        mkdir $out
        cp -r --no-preserve=mode ${folder}/. $out/
        cp ${flake} $out/flake.nix
        cp ${machines} $out/lab/machines.json
      '';
    in
    ''
      import contextlib
      import json

      COPY = "/srv/fleet"
      hosts = [m for m in machines if m.name != "client"]
      NAMES = {m.name: m for m in machines}
      NS_NL, NS_CH, PX_NL, PX_CH = (NAMES[n] for n in ("ns-nl", "ns-ch", "px-nl", "px-ch"))
      ADDRESS = ${
        builtins.toJSON (lib.mapAttrs (_: node: node.networking.primaryIPAddress) nodes)
      }
      POOL = "http0.l.example.test"
      SECRET = "cG9sZGVyIHRlc3QgcG9sZGVyIHRlc3QgcG9sZGVyISE="

      def alice(command, timeout=""):
          """A command of the operator alice, in the working copy."""
          return f"{timeout} su - alice -c 'cd {COPY} && {command}'"

      def put(machine, source, target, owner, mode):
          machine.copy_from_host(source, target)
          machine.succeed(f"chown {owner} {target}; chmod {mode} {target}")

      def know_host_key(machine):
          """Gives a machine the host key that the fleet pins."""
          put(machine, "${./keys}/host", "/etc/ssh/ssh_host_ed25519_key", "root:root", "600")
          put(machine, "${./keys}/host.pub", "/etc/ssh/ssh_host_ed25519_key.pub", "root:root", "644")
          machine.succeed("systemctl restart sshd.service")

      def equip_admin(name, location):
          """Gives an admin machine its keys of a push, and alice hers."""
          machine = NAMES[name]
          put(machine, f"${./keys}/deploy-{location}", "/var/lib/polder-admin/keys/deploy", "polder-admin:polder", "640")
          put(machine, f"${./keys}/signing-{name}", "/var/lib/polder-admin/keys/signing", "polder-admin:polder", "640")
          put(machine, "${../data/alice}", "/home/alice/.ssh/id_ed25519", "alice", "600")
          machine.succeed("chown -R alice /home/alice/.ssh; chmod 700 /home/alice/.ssh")
          machine.succeed("printf 'Host svn\n  StrictHostKeyChecking accept-new\n' > /home/alice/.ssh/config; chown alice /home/alice/.ssh/config")

      def fill_working_copy():
          """The fleet's files in admin-nl's folder, of no repository yet."""
          equip_admin("admin-nl", "nl")
          admin_nl.copy_from_host("${copy}", "/tmp/fleet")
          admin_nl.succeed(alice("cp -r --no-preserve=mode /tmp/fleet/. ."))

      def start_fleet():
          """Boots everything, puts the keys where operators put them, and fills the repository from admin-nl."""
          for machine in machines:
              machine.start()
          for machine in hosts:
              machine.wait_for_unit("multi-user.target")
              know_host_key(machine)
          for machine in (NS_NL, NS_CH, PX_NL, PX_CH):
              for name in ("peers", "cookies"):
                  machine.succeed(f"install -D -m 640 -o root -g polder <(echo {SECRET}) /var/lib/polder-keys/{name}")
              daemon = "polder-dns" if machine.name.startswith("ns") else "polder-proxy"
              machine.succeed(f"systemctl restart {daemon}.service")
          for name, location in (("admin-nl", "nl"), ("admin-ch", "ch")):
              equip_admin(name, location)
          put(admin_ch, "${./keys}/mirror", "/var/lib/polder-svn-mirror/key", "svn:svn", "600")
          svn.wait_for_unit("polder-svn-repository.service")
          admin_nl.wait_until_succeeds(alice("svn checkout --quiet ${nodes.admin-nl.polder.svn.url} ."), timeout=30)
          fill_working_copy()
          admin_nl.succeed(alice("svn add --quiet * && svn commit --quiet --message fleet && svn update --quiet"))
          admin_ch.wait_until_succeeds(alice("svn checkout --quiet ${nodes.admin-nl.polder.svn.url} ."), timeout=30)
          client.wait_for_unit("multi-user.target")

      def status(machine, daemon):
          return json.loads(machine.succeed(f"curl -sS --max-time 5 --unix-socket /run/{daemon}/admin.sock http://localhost/status"))

      def current(machine):
          return machine.succeed("readlink -f /run/current-system").strip()

      def systems():
          """What runs on every host."""
          return {machine.name: current(machine) for machine in hosts}

      def answered(nameserver, name=POOL):
          said = client.succeed(f"dig +short +tries=1 +time=1 @{ADDRESS[nameserver]} {name} A")
          return sorted(line for line in said.split() if line[0].isdigit())

      def wait_until(what, condition, limit=30):
          def holds(last):
              if last and not condition():
                  raise Exception(f"not within {limit} s: {what}")
              return condition()
          retry(holds, limit)

      @contextlib.contextmanager
      def visiting(*bounds, requests=50, queries=20):
          """Visitors on the client, while the block runs; afterwards the drill's judge has to find the promise kept."""
          asked = " ".join(f"--nameserver {ADDRESS[name]}:53" for name in ("ns-nl", "ns-ch"))
          client.succeed(
              "rm -f /tmp/verdict; systemctl reset-failed visit.service 2>/dev/null || true",
              "systemd-run --unit=visit --property=StandardOutput=file:/tmp/verdict --property=TimeoutStopSec=30 "
              f"polder visit {asked} --requests {requests} --queries {queries} "
              f"--site www.example.test/ --site shop.example.test/session {' '.join(bounds)}",
          )
          client.sleep(2)
          seen = {}
          yield seen
          client.execute("systemctl stop visit.service")
          seen.update(json.loads(client.succeed("cat /tmp/verdict")))
          log.info(f"visitors saw: {json.dumps(seen)}")
          t.assertTrue(seen["kept"], "\n".join(seen["reasons"]))

      def edit(machine, pattern, replacement, file="hosts/default.nix"):
          """Changes one thing in the working copy."""
          machine.succeed(alice(f"grep -q -- \"{pattern}\" {file} && sed -i \"s|{pattern}|{replacement}|\" {file}"))
    '';
}
