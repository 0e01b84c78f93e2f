# Services that use what comes before a backend, and what answers instead of one.
{ pkgs, ... }:

let
  host = name: [ "${name}.example.test" ];
  page = pkgs.writeText "late.html" "<h1>Come back later</h1> {request_id}";
  folder = pkgs.runCommand "manual" { } ''
    mkdir $out
    echo '<p>The manual</p>' >$out/index.html
    seq 1000 >$out/numbers.txt
  '';
  pages = {
    mode = "stateless";
    backends = [
      {
        host = "web1";
        max_connections = 8;
      }
    ];
    check = "web";
  };
in
{
  polder.fleet.services = {
    old = {
      hosts = host "old";
      redirect = {
        status = 301;
        host = "pages.example.test";
      };
    };
    robots = {
      hosts = host "pages";
      paths = [ "/robots.txt" ];
      answer.body = "User-agent: *\n";
    };
    manual = {
      hosts = host "manual";
      files.folder = "${folder}";
      compression = { };
    };
    guarded = pages // {
      hosts = host "guarded";
      basic_auth.users_file = "/var/lib/users";
      response_headers = {
        set.X-Service = "{service}";
        remove = [ "Server" ];
      };
      hedge_after = "2s";
      max_queue = 10;
    };
    inside = pages // {
      hosts = host "inside";
      allow = [ "192.0.2.0/24" ];
      error_pages."403" = page;
    };
    slow = pages // {
      hosts = host "slow";
      rate_limit.client = {
        rate = "1/h";
        burst = 2;
      };
    };
  };
}
