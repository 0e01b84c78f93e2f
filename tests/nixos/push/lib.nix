# The fleet that the push tests boot, and the functions that their scripts share.
#
# ./fleet is the working copy of an operator. It defines the systems, both for the first boot and for every push from an admin machine of
# the test, which evaluates and builds it. There are ten machines of five roles in two locations, and a client.
{
  lib,
  pkgs,
  self,
  nixpkgs,
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

  inherit (pkgs.stdenv.hostPlatform) system;

  node =
    name:
    { config, ... }:
    {
      imports = [
        self.nixosModules.default
        (folder + "/hosts")
        (folder + "/hosts/${name}.nix")
        (folder + "/lab/common.nix")
      ];
      polder.admin.inputs = { inherit nixpkgs; };
      polder.package = self.packages.${system}.polder;
      assertions = [
        {
          assertion = config.networking.primaryIPAddress == config.polder.fleet.hosts.${name}.ipv4;
          message = "${name} is at ${config.networking.primaryIPAddress} in this test: ./fleet/hosts/default.nix says otherwise";
        }
      ];
    };
  # Where the fleet is evaluated and built.
  admin =
    name:
    { config, nodes, ... }:
    {
      imports = [ (node name) ];
      virtualisation = {
        cores = 2;
        memorySize = 6144;
        # What evaluation needs; and what the first boot's systems were built with, as the tests have no network: a push builds nothing but
        # what differs from them. (`system.includeBuildDependencies` would bring the same into the system itself, which is pushed.)
        additionalPaths = [
          self.outPath
          nixpkgs.outPath
          config.polder.package
          (pkgs.closureInfo {
            rootPaths = map (host: nodes.${host}.system.build.toplevel.drvPath) hosts;
          })
        ];
      };
    };
in
{
  nodes = lib.genAttrs hosts (name: if admins ? ${name} then admin name else node name) // {
    client = {
      environment.systemPackages = [
        self.packages.${system}.polder
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
                  { nixpkgs.hostPlatform = "${system}"; }
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
              # The names of the interfaces.
              udev = nodes.${name}.boot.initrd.services.udev.rules or "";
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
      ADDRESS = ${builtins.toJSON (lib.mapAttrs (_: node: node.networking.primaryIPAddress) nodes)}
      NAMESERVERS = ("ns-nl", "ns-ch")
    ''
    + builtins.readFile ../script.py
    + ''

      COPY = "/srv/fleet"
      NAMES = {m.name: m for m in machines_qemu}
      hosts = [m for m in machines_qemu if m.name != "client"]
      NS_NL, NS_CH, PX_NL, PX_CH = (NAMES[n] for n in ("ns-nl", "ns-ch", "px-nl", "px-ch"))
      SECRET = "${lib.fileContents ../data/cookie-key}"

      def alice(command, timeout=""):
          """A command of the operator alice, in the working copy."""
          return f"{timeout} su - alice -c 'cd {COPY} && {command}'"

      def know_host_key(machine):
          """Gives a machine the host key that the fleet pins."""
          put(machine, "${./keys}/host", "/etc/ssh/ssh_host_ed25519_key", "root:root", "600")
          put(machine, "${./keys}/host.pub", "/etc/ssh/ssh_host_ed25519_key.pub", "root:root", "644")
          machine.succeed("systemctl restart sshd.service")

      def equip_admin(name, location):
          """Gives an admin machine its keys of a push, and alice hers."""
          machine = NAMES[name]
          put(machine, f"${./keys}/deploy-{location}", "/var/lib/polder-admin/keys/deploy", "polder-admin:polder-admin", "640")
          put(machine, f"${./keys}/signing-{name}", "/var/lib/polder-admin/keys/signing", "polder-admin:polder-admin", "640")
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
          boot(*NAMES.values())
          for machine in hosts:
              know_host_key(machine)
          for machine in (NS_NL, NS_CH, PX_NL, PX_CH):
              daemon = "polder-dns" if machine.name.startswith("ns") else "polder-proxy"
              if daemon == "polder-proxy":
                  machine.succeed(f"install -m 400 -o {daemon} -g root <(echo {SECRET}) /var/lib/polder-keys/cookies")
              put(machine, f"${../data/identities}/{machine.name}", f"/var/lib/{daemon}/identity.key", f"{daemon}:{daemon}", "400")
              machine.succeed(f"systemctl restart {daemon}.service")
          for name, location in (("admin-nl", "nl"), ("admin-ch", "ch")):
              equip_admin(name, location)
          put(admin_ch, "${./keys}/mirror", "/var/lib/polder-svn-mirror/key", "svn:svn", "600")
          svn.wait_for_unit("polder-svn-repository.service")
          admin_nl.wait_until_succeeds(alice("svn checkout --quiet ${nodes.admin-nl.polder.svn.url} ."), timeout=30)
          fill_working_copy()
          admin_nl.succeed(alice("svn add --quiet * && svn commit --quiet --message fleet && svn update --quiet"))
          admin_ch.wait_until_succeeds(alice("svn checkout --quiet ${nodes.admin-nl.polder.svn.url} ."), timeout=30)

      def current(machine):
          return machine.succeed("readlink -f /run/current-system").strip()

      def systems():
          """What runs on every host."""
          return {machine.name: current(machine) for machine in hosts}

      def edit(machine, pattern, replacement, file="hosts/default.nix"):
          """Changes one thing in the working copy."""
          machine.succeed(alice(f"grep -q -- \"{pattern}\" {file} && sed -i \"s|{pattern}|{replacement}|\" {file}"))
    '';
}
