# Types that several parts of the fleet share. They catch typing errors; the daemons' own check is authoritative.
{ lib }:

let
  inherit (lib) types;
  described = description: type: type // { inherit description; };
in
rec {
  ipv4 = described "IPv4 address" (types.strMatching "([0-9]{1,3}\\.){3}[0-9]{1,3}");
  ipv6 = described "IPv6 address" (types.strMatching "[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
  ipAddress = described "IPv4 or IPv6 address" (types.either ipv4 ipv6);
  duration = described ''duration like "500ms", "2s" or "1m"'' (
    types.strMatching "[0-9]+(ms|s|m|h|d)"
  );
  rate = described ''requests in a second, minute or hour, like "20/s", "300/m" or "5000/h"'' (
    types.strMatching "[0-9]+/[smh]"
  );
  domainName = described "domain name" (types.strMatching "[A-Za-z0-9_*-]+(\\.[A-Za-z0-9_-]+)*\\.?");
  # As Host has it.
  serviceHost = described "host name, or IPv6 address in brackets" (
    types.strMatching "[A-Za-z0-9_*-]+(\\.[A-Za-z0-9_-]+)*\\.?|\\[[0-9A-Fa-f:.]+]"
  );
  # As in a .pub file: kind, key and comment. One line, because it becomes a line of authorized_keys or known_hosts.
  sshKey = described "SSH public key" (
    types.strMatching "(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+=*( [^\n]*)?"
  );
  # Ed25519, as `nix key convert-secret-to-public` prints it.
  signingKey = described "public signing key like \"admin-nl-1:BASE64=\"" (
    types.strMatching "[A-Za-z0-9._-]+:[A-Za-z0-9+/]{43}="
  );
  # X25519, as `polder keys identity` prints it.
  peerKey = described "public key of a daemon, 32 bytes in base64" (
    types.strMatching "[A-Za-z0-9+/]{43}="
  );
  pageUrl = described ''URL of a page, like "http://192.0.2.11:8404/"'' (
    types.strMatching "https?://[^/?#@[:space:]]+([/?#][[:graph:]]*)?"
  );
  # A string: a path in Nix would be copied into the store, where everybody can read it.
  keyPath = described "absolute path outside the store, as a string" (
    types.addCheck types.str (path: lib.hasPrefix "/" path && !lib.hasPrefix builtins.storeDir path)
  );

  # An option that need not be set.
  mkOptional =
    args:
    lib.mkOption (
      args
      // {
        type = types.nullOr args.type;
        default = null;
      }
    );

  # The same with options of its own.
  part = options: args: mkOptional (args // { type = types.submodule { inherit options; }; });

  # The customer's account that an account for ACME is bound to (RFC 8555, 7.3.4), with its key in a file of this name. Whoever has an
  # account of its own has a key of its own: some CAs take a key once.
  externalAccount =
    { file, on }:
    part {
      key_id = lib.mkOption {
        type = types.str;
        description = "What the CA calls the key.";
      };
      hmac_key_file = lib.mkOption {
        type = keyPath;
        example = "/var/lib/polder-keys/${file}";
        description = "The file of the key, in base64 for URLs as CAs hand it out; on every ${on}.";
      };
    };

  # A protocol of polder's proxies besides HTTP/1.1 (RFC 9460, 7.1).
  httpsProtocol = types.enum [ "h2" ];

  # An option that is left out of the document if it is not set: the daemon's own default applies (docs/documents.md).
  daemonDefault = args: mkOptional (args // { defaultText = lib.literalMD "the daemon's own"; });

  # The options of a submodule that are set, and those of the submodules in it, for a document that has them as they are.
  documented =
    options:
    lib.mapAttrs (
      _: value: if lib.isAttrs value && !lib.isStringLike value then documented value else value
    ) (lib.filterAttrs (name: value: value != null && name != "_module") options);

  # A file or folder as a store path of its own, which only a change of its content changes, and no other change of the repository.
  stored = name: path: if builtins.isPath path then builtins.path { inherit path name; } else path;
}
