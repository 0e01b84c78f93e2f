# What a type refuses, with the message that the operator reads. Nix evaluates each mistake by itself, and the message must name the
# option. The same definition without the mistake evaluates.
{
  lib,
  pkgs,
  runCommand,
  nix,
  nixpkgs,
}:

let
  # Bad and good differ only in the mistake.
  slips = {
    "a misspelt option" = {
      bad = ''polder.fleet.services.www.balanec = "round-robin";'';
      good = ''polder.fleet.services.www.balance = "round-robin";'';
      says = [ "polder.fleet.services.www.balanec" ];
    };
    "a mode that is none" = {
      bad = ''polder.fleet.services.www.mode = lib.mkForce "statefull";'';
      good = ''polder.fleet.services.www.mode = lib.mkForce "stateless";'';
      says = [
        "polder.fleet.services.www.mode"
        ''"statefull"''
        "stateful"
      ];
    };
    "a number for a name" = {
      bad = "polder.fleet.services.www.hosts = [ 1 ];";
      good = ''polder.fleet.services.www.hosts = [ "one.example.net" ];'';
      says = [
        "polder.fleet.services.www.hosts"
        "host name"
      ];
    };
    "an address that is none" = {
      bad = ''polder.fleet.hosts.px-nl.ipv4 = lib.mkForce "192.0.2";'';
      good = ''polder.fleet.hosts.px-nl.ipv4 = lib.mkForce "192.0.2.99";'';
      says = [
        "polder.fleet.hosts.px-nl.ipv4"
        "IPv4 address"
      ];
    };
    "a page that no browser could be sent to" = {
      bad = ''polder.fleet.hosts.px-nl.pages.proxy = "192.0.2.11:8404";'';
      good = ''polder.fleet.hosts.px-nl.pages.proxy = "https://[2001:db8::11]:8404/a?b=c";'';
      says = [
        "polder.fleet.hosts.px-nl.pages.proxy"
        "URL of a page"
      ];
    };
    "a role that is none" = {
      bad = ''polder.fleet.hosts.px-nl.roles = [ "porxy" ];'';
      good = ''polder.fleet.hosts.px-nl.roles = [ "admin" ];'';
      says = [
        "polder.fleet.hosts.px-nl.roles"
        ''"porxy"''
      ];
    };
    "a duration without a unit" = {
      bad = ''polder.fleet.checks.web.interval = "5";'';
      good = ''polder.fleet.checks.web.interval = "5s";'';
      says = [
        "polder.fleet.checks.web.interval"
        "duration like"
      ];
    };
    "a deploy key of two lines" = {
      bad = ''polder.fleet.hosts.px-nl = { roles = [ "admin" ]; deployKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA one\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" ]; };'';
      good = ''polder.fleet.hosts.px-nl = { roles = [ "admin" ]; deployKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA one" ]; };'';
      says = [
        "polder.fleet.hosts.px-nl.deployKeys"
        "SSH public key"
      ];
    };
    "an SSH key that should sign" = {
      bad = ''polder.fleet.hosts.admin-nl.signingKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" ];'';
      good = ''polder.fleet.hosts.admin-nl.signingKeys = [ "admin-nl-2:mbXQTJGCnYtpSlUvabn0/SuDEZAf78OpHd2raZpq/90=" ];'';
      says = [
        "polder.fleet.hosts.admin-nl.signingKeys"
        "public signing key"
      ];
    };
    "a key that Nix would copy into the store" = {
      bad = "polder.keys.cookies = lib.mkForce ./keys;";
      good = ''polder.keys.cookies = lib.mkForce "/keys/cookies";'';
      says = [
        "polder.keys.cookies"
        "absolute path outside the store"
      ];
    };
    "a peer's key that is none" = {
      bad = ''polder.fleet.hosts.px-nl.peerKeys.proxy = lib.mkForce [ "AAAA" ];'';
      good = ''polder.fleet.hosts.px-nl.peerKeys.proxy = lib.mkForce [ "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=" ];'';
      says = [
        "polder.fleet.hosts.px-nl.peerKeys.proxy"
        "public key of a daemon, 32 bytes in base64"
      ];
    };
    "a zone's keys that Nix would copy into the store" = {
      bad = ''polder.fleet.zones."example.net".dnssec.keys = ./keys;'';
      good = ''polder.fleet.zones."example.net".dnssec.keys = "/keys";'';
      says = [
        ''polder.fleet.zones."example.net".dnssec.keys''
        "absolute path outside the store"
      ];
    };
    "a key that lies in the store" = {
      bad = ''polder.keys.cookies = lib.mkForce (builtins.storeDir + "/keys");'';
      good = ''polder.keys.cookies = lib.mkForce "/keys/cookies";'';
      says = [
        "polder.keys.cookies"
        "absolute path outside the store"
      ];
    };
  };

  sources = lib.fileset.toSource {
    root = ../../..;
    fileset = lib.fileset.unions [
      ../../../modules
      ../../../hosts
    ];
  };

  # The model of the fleet and the example, without the rest of NixOS.
  evaluation = pkgs.writeText "evaluation.nix" ''
    module:
    let
      lib = import ${nixpkgs + "/lib"};
      evaluated = lib.evalModules {
        modules = [
          ${sources}/modules/fleet.nix
          ${sources}/hosts
          module
          {
            options.assertions = lib.mkOption { type = lib.types.listOf lib.types.raw; };
            options.polder = lib.genAttrs [ "admin" "svn" ] (_: lib.mkOption { type = lib.types.raw; });
            options.networking.hostName = lib.mkOption { default = "px-nl"; };
            config._module.args.pkgs = { };
          }
        ];
      };
      inherit (evaluated.config) polder;
    in
    builtins.deepSeq [ polder.fleet polder.keys ] true
  '';

  try =
    slip:
    "nix-instantiate --eval --store dummy:// --expr 'import ${evaluation} ({ lib, ... }: { ${slip} })' ";
in
runCommand "type-errors" { nativeBuildInputs = [ nix ]; } (
  ''
    export HOME=$PWD NIX_STATE_DIR=$PWD/state NIX_LOG_DIR=$PWD/log
  ''
  + lib.concatStrings (
    lib.mapAttrsToList (name: case: ''
      echo "== ${name}"
      ${try case.good} > /dev/null
      if ${try case.bad} > said 2>&1; then
        echo "it evaluates" >&2
        exit 1
      fi
      for words in ${lib.escapeShellArgs case.says}; do
        grep -F -e "$words" said || { echo "not said: $words" >&2; cat said >&2; exit 1; }
      done
    '') slips
  )
  + ''
    touch $out
  ''
)
