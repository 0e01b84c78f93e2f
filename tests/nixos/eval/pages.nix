# Where the daemons' documents say that the fleet's pages are. Nothing is built.
{
  lib,
  runCommand,
  fleetOf,
}:

let
  adminOf =
    module:
    let
      systems = fleetOf module;
    in
    {
      proxy = systems.px-nl.config.polder.proxy.settings.admin;
      nameserver = systems.ns-nl.config.polder.nameserver.settings.admin;
    };

  closed = adminOf { };
  watched.polder.fleet.metricsFrom = [ "192.0.2.41" ];
  open = adminOf watched;
  moved = adminOf (
    { config, ... }:
    {
      imports = [ watched ];
      polder.fleet.hosts.px-ch.pages.proxy = "https://polder.example.net/px-ch/";
      polder.proxy.settings = lib.mkIf (config.networking.hostName == "px-nl") {
        admin.pages.proxies.elsewhere = "http://192.0.2.99:8404/";
      };
    }
  );
  only = adminOf { polder.fleet.hosts.px-ch.pages.proxy = "https://polder.example.net/px-ch/"; };

  expected = {
    nameservers = {
      ns-ch = "http://198.51.100.1:8453/";
      ns-nl = "http://192.0.2.1:8453/";
    };
    proxies = {
      px-ch = "http://198.51.100.11:8404/";
      px-nl = "http://192.0.2.11:8404/";
    };
  };
in
assert lib.assertMsg (
  !(closed.proxy ? pages) && !(closed.nameserver ? pages)
) "nobody reaches the pages, and still there are links";
assert lib.assertMsg (
  open.proxy.pages == expected && open.nameserver.pages == expected
) "the pages of all daemons: ${builtins.toJSON open}";
assert lib.assertMsg (
  moved.nameserver.pages
  == lib.recursiveUpdate expected { proxies.px-ch = "https://polder.example.net/px-ch/"; }
) "a page that is elsewhere: ${builtins.toJSON moved.nameserver}";
assert lib.assertMsg (
  moved.proxy.pages == { proxies.elsewhere = "http://192.0.2.99:8404/"; }
) "what a host's settings say counts alone: ${builtins.toJSON moved.proxy}";
assert lib.assertMsg (
  only.proxy.pages == { proxies.px-ch = "https://polder.example.net/px-ch/"; }
) "the one page that can be reached: ${builtins.toJSON only.proxy}";
runCommand "pages" { } "touch $out"
