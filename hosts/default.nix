# The example fleet: two nameservers, two proxies, three webservers, an svn server and two admin machines, in two places.
# The addresses are those kept for documentation (RFC 5737, RFC 3849). Data only: what it means is in ../modules.
{
  polder.fleet = {
    locations = {
      nl = {
        description = "Amsterdam";
        ipv4 = {
          gateway = "192.0.2.254";
          prefixLength = 24;
        };
        ipv6 = {
          gateway = "2001:db8:1::ffff";
          prefixLength = 64;
        };
      };
      ch = {
        description = "Zurich";
        ipv4 = {
          gateway = "198.51.100.254";
          prefixLength = 24;
        };
        ipv6 = {
          gateway = "2001:db8:2::ffff";
          prefixLength = 64;
        };
      };
    };

    # These keys are nobody's: put yours in their place (`polder bootstrap`, `polder keys make` and `polder keys identity` tell them).
    hosts = {
      ns-nl = {
        location = "nl";
        roles = [ "nameserver" ];
        ipv4 = "192.0.2.1";
        ipv6 = "2001:db8:1::1";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZCPN3yTGuDqMMJDlV/R9aAzYyl/61t46RYWLpcLoYb";
        peerKeys.nameserver = [ "5A9NIqEIdrCTYSJ6dXnpptIOwo0P54bsmeInaEO2RnM=" ];
      };
      ns-ch = {
        location = "ch";
        roles = [ "nameserver" ];
        ipv4 = "198.51.100.1";
        ipv6 = "2001:db8:2::1";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHplZdHPYvjcTItTHVNxN2iqc3dW0Tk9ef8vZ6IphUFn";
        peerKeys.nameserver = [ "CH0vxssujSVBF+/12ijmFpznj63ZtVBHR65jbY7lyS8=" ];
      };
      px-nl = {
        location = "nl";
        roles = [ "proxy" ];
        ipv4 = "192.0.2.11";
        ipv6 = "2001:db8:1::11";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIYN4fRuY6Qt3JoGvhuGYt7M2g64XzhTVVQT6b4+q6tA";
        peerKeys.proxy = [ "wtNVc+W7czfhB+tcr4IPkVM+lwi5CqWW+05+one4U1s=" ];
      };
      px-ch = {
        location = "ch";
        roles = [ "proxy" ];
        ipv4 = "198.51.100.11";
        ipv6 = "2001:db8:2::11";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILAbnbl0MLjrlcnDcbqXVdofR52yTp5K8Qd/yi3G+RWx";
        peerKeys.proxy = [ "+Xpj2tqoDBvtJXIZ+md8bMyujHOfQ9MT8f8N5uHK9zo=" ];
      };
      web-1 = {
        location = "nl";
        roles = [ "backend" ];
        ipv4 = "192.0.2.21";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMRxmvp2+kSLXsqZ5nNohYRlAdF5VvL8st5ckW1yPzqH";
      };
      web-2 = {
        location = "ch";
        roles = [ "backend" ];
        ipv4 = "198.51.100.22";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGEveg7dM9XBp/WbONtgX18Pm/Y8tM51O5utD/OqlBQS";
      };
      web-3 = {
        location = "nl";
        roles = [ "backend" ];
        ipv4 = "192.0.2.23";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8R605GxRRFTHxSDOjNa8qBmMGXIdCPNNJKRx5NNlqW";
      };
      svn = {
        location = "nl";
        roles = [ "svn" ];
        ipv4 = "192.0.2.31";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDTySljsHwvnspFsqbbr2fi4yY34kTTXZJ1xJ9wQtir5";
      };
      admin-nl = {
        location = "nl";
        roles = [ "admin" ];
        ipv4 = "192.0.2.41";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILN+NEDPS3JXqgLK9bAyLNOmsvDjOPgP84YJVSMM9Xll";
        deployKeys = [
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqyxesV1ilMzZVo7QkxLlQtBHJf7lWeNmjnuw7anUmY"
        ];
        signingKeys = [ "admin-nl-1:mbXQTJGCnYtpSlUvabn0/SuDEZAf78OpHd2raZpq/90=" ];
      };
      admin-ch = {
        location = "ch";
        roles = [ "admin" ];
        ipv4 = "198.51.100.41";
        hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKnSPXoC5kXnfCFuaekpliVHa8ElTg9uTmUwAZB8O+GG";
        deployKeys = [
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFt9Qpodims1U+0/QLsAf0m2RyjIJ6JjJ9S2CraoAZXy"
        ];
        signingKeys = [ "admin-ch-1:BWeR2Iu6UlHTZjpolR6PcK0Ti3QHy04L9sTXtqN3Vyo=" ];
      };
    };

    zones."example.net".file = ./zones/example.net.zone;

    pools."http0.l.example.net".aliases = [ "example.net" ];

    checks.web.path = "/healthz";

    # Who gives the certificates of the services below: Let's Encrypt, once you agree to its terms.
    acme = {
      directory = "https://acme-v02.api.letsencrypt.org/directory";
      contact = [ "hostmaster@example.net" ];
      terms_of_service_agreed = true;
    };

    services = {
      www = {
        hosts = [
          "www.example.net"
          "example.net"
        ];
        tls = "acme";
        https = "redirect";
        mode = "stateless";
        backends = [
          { host = "web-1"; }
          { host = "web-2"; }
        ];
        check = "web";
      };
      shop = {
        hosts = [ "shop.example.net" ];
        tls = "acme";
        https = "redirect";
        mode = "stateful";
        backends = [
          {
            host = "web-2";
            port = 8080;
          }
          {
            host = "web-3";
            port = 8080;
            backup = true;
          }
        ];
        check = "web";
      };
    };

    sites = {
      www = {
        root = ./www/www;
        on = [
          "web-1"
          "web-2"
        ];
      };
      shop = {
        root = ./www/shop;
        on = [
          "web-2"
          "web-3"
        ];
        port = 8080;
      };
    };
  };

  # Where the proxies find the key that they share. It is put there by hand, or by a secrets' tool, never by Nix.
  polder.keys.cookies = "/var/lib/polder-keys/cookies";

  # Who operates the fleet on the admin machines, and who may commit: on the svn machine, and on its mirror once that is promoted.
  polder.admin.operators = [ "alice" ];
  polder.svn.users.alice.keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA alice"
  ];
}
