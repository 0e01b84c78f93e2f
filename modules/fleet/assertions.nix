# Assertions for mistakes that types cannot catch. Every message names the option to change.
{
  lib,
  fleet,
  host,
}:

let
  inherit (lib) concatMap mapAttrsToList optional;
  members = import ./members.nix { inherit lib fleet; };

  assertion = condition: message: {
    assertion = condition;
    inherit message;
  };
  listed = names: if names == [ ] then "none" else lib.concatStringsSep ", " names;
  twice =
    values: lib.unique (lib.filter (value: lib.count (other: other == value) values > 1) values);

  known =
    option: what: names: name:
    assertion (lib.elem name names) "${option}: ${what} \"${name}\" is not known; there is: ${listed names}";
  knownHost =
    option: role: name:
    let
      withRole = members.hostsOf role;
    in
    assertion (lib.elem name withRole) "${option}: \"${name}\" is no host with the role ${role}; there is: ${listed withRole}";

  onlyAdmins =
    name: keys:
    let
      this = fleet.hosts.${name};
    in
    assertion (this.${keys} == [ ] || lib.elem "admin" this.roles)
      "polder.fleet.hosts.${name}.${keys}: only an admin machine has keys of a push, and the roles of ${name} are: ${listed this.roles}";

  pushKeys =
    let
      all = keys: concatMap (this: this.${keys}) (lib.attrValues fleet.hosts);
      # Kind and key, without the comment.
      bare = key: lib.concatStringsSep " " (lib.take 2 (lib.splitString " " key));
      nameOf = key: lib.head (lib.splitString ":" key);
      deployTwice = twice (map bare (all "deployKeys"));
      nameTwice = twice (map nameOf (lib.unique (all "signingKeys")));
    in
    [
      # With one and not the other, a push would connect and then fail.
      (assertion (all "deployKeys" == [ ] || all "signingKeys" != [ ])
        "polder.fleet.hosts: an admin machine has deployKeys and none has signingKeys, so that no host would activate anything: `polder keys make` there prints both"
      )
      # sshd uses the first of the two lines, so pushes from one machine would be recorded as the other's.
      (assertion (deployTwice == [ ])
        "polder.fleet.hosts: the deploy key ${listed deployTwice} stands twice, so that no host could tell who pushes: each admin machine has its own (`polder keys make`)"
      )
      (assertion (nameTwice == [ ])
        "polder.fleet.hosts: different signingKeys have the name ${listed nameTwice}, and Nix would know one of them: `polder keys make` there gives each its own"
      )
    ];

  hosts = concatMap (
    name:
    let
      option = "polder.fleet.hosts.${name}";
      this = fleet.hosts.${name};
    in
    [
      (assertion (this.addresses != [ ]) "${option}: neither ipv4 nor ipv6 is set")
    ]
    ++ map (onlyAdmins name) [
      "deployKeys"
      "signingKeys"
    ]
    ++ optional (fleet.locations != { }) (
      known "${option}.location" "location" (lib.attrNames fleet.locations) this.location
    )
  ) (lib.attrNames fleet.hosts);

  addresses =
    let
      all = concatMap (this: this.addresses) (lib.attrValues fleet.hosts);
    in
    map (
      address:
      assertion false "polder.fleet.hosts: ${
        listed (lib.attrNames (lib.filterAttrs (_: this: lib.elem address this.addresses) fleet.hosts))
      } have the same address ${address}"
    ) (twice all);

  secrets = mapAttrsToList (_: this: this.key) fleet.tsig;
  tsig = [
    (assertion (lib.length (lib.unique secrets) == lib.length secrets)
      "polder.fleet.tsig: several keys have the same secret in polder.keys, so that who has one of them has all; give each a `key` of its own"
    )
  ]
  ++ concatMap (
    apex:
    let
      zone = fleet.zones.${apex};
      configured = [ zone ] ++ lib.optional (zone.members != null) zone.members;
      ofTransfer =
        which:
        concatMap (
          one: if one.transfer == null || one.transfer.${which} == null then [ ] else one.transfer.${which}
        ) configured;
      allow = ofTransfer "allow";
      named =
        allow
        ++ ofTransfer "notify"
        ++ concatMap (one: if one.primaries == null then [ ] else one.primaries) configured;
      keys = lib.filter (key: key != null) (map (one: one.key) named);
    in
    map (known "polder.fleet.zones.\"${apex}\"" "key of polder.fleet.tsig" (
      lib.attrNames fleet.tsig
    )) keys
    ++ map (
      one:
      assertion (one.key != null || one.networks != null)
        "polder.fleet.zones.\"${apex}\".transfer.allow: one of them would give the zone to anybody; it needs `networks`, `key` or both"
    ) allow
  ) (lib.attrNames fleet.zones);

  zones = concatMap (
    apex:
    let
      option = "polder.fleet.zones.\"${apex}\"";
      nameservers = members.nameserversOf apex;
      zone = fleet.zones.${apex};
      sources = lib.filter (source: source != null) [
        zone.file
        zone.primaries
        zone.catalog
      ];
    in
    [
      (assertion (lib.length sources == 1)
        "${option}: the zone comes from a `file`, from `primaries`, or is a `catalog`; exactly one of them must be there"
      )
      (assertion (
        zone.dnssec == null || zone.file != null
      ) "${option}.dnssec: a zone is signed where its `file` is, and this one has none")
      (assertion (zone.members == null || zone.primaries != null)
        "${option}.members: the zone is a catalog of other nameservers, and `primaries` does not say which"
      )
      (assertion (lib.length (lib.unique nameservers) >= 2)
        "${option}: fewer than two nameservers (${listed nameservers}); give a second host the role nameserver, or the zone is gone with the first"
      )
    ]
    ++ map (knownHost "${option}.nameservers" "nameserver") nameservers
  ) (lib.attrNames fleet.zones);

  pools = concatMap (
    name:
    let
      option = "polder.fleet.pools.\"${name}\"";
      this = fleet.pools.${name};
      proxies = members.membersOf name;
      strangers =
        if this.https == null then [ ] else lib.subtractLists proxies (lib.attrNames this.https.alpn_of);
    in
    [
      (assertion (lib.length (lib.unique proxies) >= 2)
        "${option}: fewer than two members (${listed proxies}); a pool with one proxy is gone with it: give a second host the role proxy"
      )
      (assertion (twice proxies == [ ]) "${option}.members: ${listed (twice proxies)} stands twice")
      (assertion (strangers == [ ])
        "${option}.https.alpn_of: ${listed strangers} is no member of the pool, which has ${listed proxies}"
      )
      (known "${option}.check" "check" (lib.attrNames fleet.checks) this.check)
      (assertion (fleet.checks.${this.check}.port or 0 != null)
        "${option}.check: polder.fleet.checks.${this.check}.port is not set, and a pool's members have no port of their own"
      )
      (assertion (lib.any (apex: members.within apex name) (
        lib.attrNames fleet.zones
      )) "${option}: the name lies in none of the zones (${listed (lib.attrNames fleet.zones)})")
    ]
    ++ map (knownHost "${option}.members" "proxy") proxies
  ) (lib.attrNames fleet.pools);

  encryptedDns =
    let
      option = "polder.fleet.encrypted_dns";
      inherit (fleet.encrypted_dns) names certificates eab;
      ofProxies = if fleet.acme == null then null else fleet.acme.eab;
      elsewhere = lib.filter (
        name: !lib.any (apex: members.within apex name) (lib.attrNames fleet.zones)
      ) names;
    in
    lib.optionals (fleet.encrypted_dns != null) [
      (assertion (names != [ ] || certificates != [ ])
        "${option}: clients would be shown no certificate; set names, for one that the nameservers get by themselves, or certificates, for files"
      )
      (assertion (names == [ ] || fleet.acme != null)
        "${option}.names: the certificate is to come from a CA, and polder.fleet.acme does not say from which (`polder.fleet.acme.terms_of_service_agreed = true;` for Let's Encrypt)"
      )
      (assertion (names == [ ] || ofProxies == null || eab != null)
        "${option}.eab: polder.fleet.acme.eab is the proxies', and the nameservers have an account of their own: have the CA give you another key, and name it here"
      )
      (assertion (ofProxies == null || eab == null || eab.hmac_key_file != ofProxies.hmac_key_file)
        "${option}.eab.hmac_key_file: polder.fleet.acme.eab names the same file, and one daemon alone can read it: put the nameservers' key into another one"
      )
      (assertion (elsewhere == [ ])
        "${option}.names: the CA asks the nameservers of the fleet, and ${listed elsewhere} lies in none of the zones (${listed (lib.attrNames fleet.zones)})"
      )
    ];

  tls =
    option: this:
    let
      challenge = members.challengeOf this;
      elsewhere = lib.filter (
        name: !lib.any (apex: members.within apex name) (lib.attrNames fleet.zones)
      ) this.hosts;
    in
    optional (lib.isAttrs this.tls) (
      assertion (
        (this.tls.certificates == null) != (this.tls.acme == null)
      ) "${option}.tls: either certificates in files, or acme, and not both"
    )
    ++ optional (challenge != null) (
      assertion (fleet.acme != null)
        "${option}.tls: the certificate is to come from a CA, and polder.fleet.acme does not say from which (`polder.fleet.acme.terms_of_service_agreed = true;` for Let's Encrypt)"
    )
    ++ optional (challenge == "dns-01") (
      assertion (elsewhere == [ ])
        "${option}.tls: with dns-01 the CA asks the nameservers of the fleet, and ${listed elsewhere} lies in none of the zones (${listed (lib.attrNames fleet.zones)})"
    );

  services = concatMap (
    name:
    let
      option = "polder.fleet.services.${name}";
      this = fleet.services.${name};
      primaries = lib.filter (backend: !backend.backup) this.backends;
      backups = lib.filter (backend: backend.backup) this.backends;
      automatic = this.failover == "automatic";
      named = lib.filter (backend: backend.host != null) this.backends;
      resolvable = lib.filter (
        backend: backend.address != null || fleet.hosts ? ${toString backend.host}
      ) this.backends;
      sockets = map members.backendSocket resolvable;
      targets = lib.filter (target: this.${target} != null && this.${target} != [ ]) [
        "backends"
        "redirect"
        "answer"
        "files"
      ];
      hasBackends = this.backends != [ ];
      onlyStateful =
        key:
        assertion (
          this.mode == "stateful" || this.${key} == null
        ) "${option}.${key}: only a stateful service has this, and mode is stateless";
    in
    [
      (assertion (lib.length targets == 1)
        "${option}: a service has exactly one of backends, redirect, answer and files, here is: ${listed targets}"
      )
      (assertion (hasBackends == (this.mode != null))
        "${option}.mode: a service with backends is \"stateless\" or \"stateful\", and any other has no mode"
      )
      (assertion (
        !hasBackends || primaries != [ ]
      ) "${option}.backends: every backend is a backup; one must be a primary")
      (assertion (this.mode != "stateful" || automatic || backups != [ ])
        "${option}: a stateful service without a backup: mark one of its backends `backup = true`, or set failover = \"automatic\" if its visitors' state is on all of them"
      )
      (assertion (this.mode != "stateful" || automatic || lib.length primaries <= 1)
        "${option}.backends: permanent failover has one primary, here are ${
          listed (map (backend: backend.name) primaries)
        }: mark the others `backup = true`"
      )
      (assertion (!automatic || lib.length primaries >= 2)
        "${option}: failover = \"automatic\" needs two primaries at least, here is ${
          listed (map (backend: backend.name) primaries)
        }"
      )
      (assertion (
        this.mode == "stateful" || this.failover == null
      ) "${option}.failover: only a stateful service has this, and mode is stateless")
      (onlyStateful "cookie")
      (onlyStateful "cookieName")
      (assertion (twice sockets == [ ])
        "${option}.backends: ${listed (twice sockets)} stands twice: two backends with one cookie value cannot be told apart"
      )
      (assertion (twice (map (backend: backend.name) resolvable) == [ ])
        "${option}.backends: the name ${
          listed (twice (map (backend: backend.name) resolvable))
        } stands twice; set `name`"
      )
    ]
    ++ map (
      backend:
      assertion (
        (backend.host == null) != (backend.address == null)
      ) "${option}.backends: each backend has either a host or an address"
    ) this.backends
    ++ map (backend: knownHost "${option}.backends" "backend" backend.host) named
    ++ optional (this.check != null) (
      known "${option}.check" "check" (lib.attrNames fleet.checks) this.check
    )
    ++ tls option this
    ++ optional (this.cookie != null) (
      known "${option}.cookie" "cookie" (lib.attrNames fleet.cookies) this.cookie
    )
  ) (lib.attrNames fleet.services);

  cookies = mapAttrsToList (
    name: this:
    assertion (
      (this.value == "sealed") == (this.key != null)
    ) "polder.fleet.cookies.${name}: a sealed cookie needs a key, and only that"
  ) fleet.cookies;

  agreement =
    let
      option = "polder.fleet.agreement.hosts";
      inherit (fleet.agreement) hosts;
      count = lib.length hosts;
      running = [
        "proxy"
        "nameserver"
        "witness"
      ];
      withRole = lib.filter (name: lib.intersectLists running fleet.hosts.${name}.roles != [ ]) (
        lib.attrNames fleet.hosts
      );
    in
    lib.optionals (hosts != [ ]) (
      [
        (assertion (twice hosts == [ ]) "${option}: ${listed (twice hosts)} stands twice")
        # Four on the way from three to five: members join one by one.
        (assertion (lib.elem count [
          1
          3
          4
          5
        ]) "${option}: here are ${toString count}; name three hosts, or five")
      ]
      ++ map (
        name:
        assertion (lib.elem name withRole) "${option}: \"${name}\" is no host with the role proxy, nameserver or witness; there is: ${listed withRole}"
      ) hosts
    )
    ++ map (
      name:
      assertion (lib.elem name hosts) "polder.fleet.hosts.${name}.roles: a witness runs a member of polder.fleet.agreement.hosts, and ${name} is not in it (${listed hosts})"
    ) (lib.filter (name: fleet.hosts.${name}.roles == [ "witness" ]) (lib.attrNames fleet.hosts));

  sites = concatMap (
    name: map (knownHost "polder.fleet.sites.${name}.on" "backend") (members.hostsOfSite name)
  ) (lib.attrNames fleet.sites);
in
[
  (assertion (fleet.hosts == { } || fleet.hosts ? ${host})
    "polder.host: \"${host}\" is not in polder.fleet.hosts; there is: ${listed (lib.attrNames fleet.hosts)}"
  )
]
++ hosts
++ pushKeys
++ addresses
++ tsig
++ zones
++ pools
++ encryptedDns
++ services
++ cookies
++ agreement
++ sites
