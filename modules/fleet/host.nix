# One machine of the fleet.
{ lib, fleetTypes }:

{ config, ... }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) mkOptional;
  role = types.enum [
    "nameserver"
    "proxy"
    "backend"
    "admin"
    "svn"
    "witness"
  ];
in
{
  options = {
    location = mkOption {
      type = types.str;
      example = "nl";
      description = "Where the host stands: one of `polder.fleet.locations`.";
    };
    roles = mkOption {
      type = types.coercedTo role lib.singleton (types.listOf role);
      default = [ ];
      example = "proxy";
      description = ''
        What the host does: one role, or a list of them. Each role brings its daemon, users, state directory and open ports. A `witness` is a small
        machine in a third place that runs a member of `polder.fleet.agreement.hosts` and nothing else.
      '';
    };
    ipv4 = mkOptional {
      type = fleetTypes.ipv4;
      example = "192.0.2.11";
      description = "The IPv4 address at which other hosts, and visitors of a proxy or nameserver, reach it.";
    };
    ipv6 = mkOptional {
      type = fleetTypes.ipv6;
      example = "2001:db8::11";
      description = "The IPv6 address of the host. Hosts that have an IPv4 address too reach each other over that.";
    };

    hostKey = mkOptional {
      type = fleetTypes.sshKey;
      example = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZCPN3yTGuDqMMJDlV/R9aAzYyl/61t46RYWLpcLoYb";
      description = ''
        The SSH host key, as in /etc/ssh/ssh_host_ed25519_key.pub of the host (`polder bootstrap HOST` prints it). A push accepts
        no other key of the host; without one, the host cannot be pushed to.
      '';
    };
    deployKeys = mkOption {
      type = types.listOf fleetTypes.sshKey;
      default = [ ];
      example = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqyxesV1ilMzZVo7QkxLlQtBHJf7lWeNmjnuw7anUmY admin-nl"
      ];
      description = ''
        Admin machines only: the SSH public keys with which the machine opens the gates of all hosts (`polder keys make` prints
        them). docs/nixos.md lists under "What a host trusts" what such a key allows; to activate anything, a signing key is
        needed too.
      '';
    };
    signingKeys = mkOption {
      type = types.listOf fleetTypes.signingKey;
      default = [ ];
      example = [ "admin-nl-1:mbXQTJGCnYtpSlUvabn0/SuDEZAf78OpHd2raZpq/90=" ];
      description = ''
        Admin machines only: the public keys whose signatures the gates and stores of all hosts accept (`polder keys make` prints
        them). Whoever has the private key, and a deploy key, is root on every host: guard it like a root password. List two keys
        while one replaces the other.
      '';
    };

    peerKeys = lib.mapAttrs (
      _: daemon:
      mkOption {
        type = types.listOf fleetTypes.peerKey;
        default = [ ];
        example = [ "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=" ];
        description = ''
          The public key by which the other ${daemon.hosts} know this one, as
          `polder keys identity /var/lib/${daemon.name}/identity.key` prints it on the host. The key pair is made when the daemon first
          starts. Where there are other ${daemon.hosts}, the daemon does not start until its key is listed. List two keys while one
          replaces the other.
        '';
      }
    ) (import ../daemons.nix);

    pages = lib.mapAttrs (
      _: daemon:
      mkOptional {
        type = fleetTypes.pageUrl;
        defaultText = lib.literalMD "port ${toString daemon.adminPort} of the host, where `polder.fleet.metricsFrom` lets anybody in";
        example = "https://polder.example.net/px-nl/";
        description = ''
          Where an operator's browser finds the page of the host's ${daemon.name}: the pages of the fleet's other daemons link to it.
          Set it where the page is reached otherwise than at its own address: through a proxy with a password, or a tunnel.
        '';
      }
    ) (import ../daemons.nix);

    addresses = mkOption {
      type = types.listOf types.str;
      internal = true;
      readOnly = true;
      default = lib.filter (address: address != null) [
        config.ipv4
        config.ipv6
      ];
      description = "Those of `ipv4` and `ipv6` that the host has.";
    };
    socket = mkOption {
      type = types.functionTo types.str;
      internal = true;
      readOnly = true;
      default =
        port:
        if config.ipv4 != null then
          "${config.ipv4}:${toString port}"
        else
          "[${config.ipv6}]:${toString port}";
      description = "The address and port at which other hosts reach a port of the host.";
    };
  };
}
