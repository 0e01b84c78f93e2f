# One machine of the fleet.
{ lib, fleetTypes }:

{ config, ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    location = mkOption {
      type = types.str;
      example = "nl";
      description = "Where it stands: one of `polder.fleet.locations`.";
    };
    roles = mkOption {
      type = types.listOf (
        types.enum [
          "nameserver"
          "proxy"
          "backend"
          "admin"
          "svn"
        ]
      );
      default = [ ];
      example = [ "proxy" ];
      description = "What it does. Each role brings its daemon, its users, its state directory and its ports in the firewall.";
    };
    ipv4 = mkOption {
      type = types.nullOr fleetTypes.ipv4;
      default = null;
      example = "192.0.2.11";
      description = "Its IPv4 address, at which the other hosts and, for proxies and nameservers, visitors reach it.";
    };
    ipv6 = mkOption {
      type = types.nullOr fleetTypes.ipv6;
      default = null;
      example = "2001:db8::11";
      description = "Its IPv6 address. Hosts reach each other over IPv4 where they have it.";
    };

    hostKey = mkOption {
      type = types.nullOr fleetTypes.sshKey;
      default = null;
      example = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZCPN3yTGuDqMMJDlV/R9aAzYyl/61t46RYWLpcLoYb";
      description = ''
        Its SSH host key, as in its /etc/ssh/ssh_host_ed25519_key.pub (`polder bootstrap HOST` tells it). A push reaches the
        host only under this key; without it there is no push to the host.
      '';
    };
    deployKeys = mkOption {
      type = types.listOf fleetTypes.sshKey;
      default = [ ];
      example = [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqyxesV1ilMzZVo7QkxLlQtBHJf7lWeNmjnuw7anUmY admin-nl"
      ];
      description = ''
        Of an admin machine: the SSH public keys with which it opens the gates of all hosts (`polder keys make` prints them).
        Who has such a key can ask the gates for all that docs/nixos.md lists under "What a host trusts"; to activate something new
        takes a signing key besides.
      '';
    };
    signingKeys = mkOption {
      type = types.listOf fleetTypes.signingKey;
      default = [ ];
      example = [ "admin-nl-1:mbXQTJGCnYtpSlUvabn0/SuDEZAf78OpHd2raZpq/90=" ];
      description = ''
        Of an admin machine: the public keys whose signatures the stores of all hosts accept (`polder keys make` prints them).
        What is signed with one of them is root on the whole fleet: guard its private part like every host's root password.
        Two keys, while one takes the other's place.
      '';
    };

    peerKeys = lib.mapAttrs (
      _: daemon:
      mkOption {
        type = types.listOf fleetTypes.peerKey;
        default = [ ];
        example = [ "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=" ];
        description = ''
          The public half of the key by which the other ${daemon.hosts} know this one: what
          `polder keys identity /var/lib/${daemon.name}/identity.key` prints there. The host makes it itself, at the daemon's first
          start. Two keys, while one takes the other's place. Without any the daemon does not start where there are
          other ${daemon.hosts}.
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
      description = "Those of the two that it has.";
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
      description = "The address and port at which other hosts reach a port of it.";
    };
  };
}
