# Rules for ports that only some hosts may reach, as nftables text for `networking.firewall.extraInputRules`.
{ lib }:

{
  # Lets `addresses` (IPv4 and IPv6 mixed) reach a TCP port.
  only =
    port: addresses:
    let
      rule =
        family: those:
        lib.optionalString (those != [ ]) ''
          ${family} saddr { ${lib.concatStringsSep ", " (lib.unique those)} } tcp dport ${toString port} accept
        '';
      is6 = lib.hasInfix ":";
    in
    rule "ip" (lib.filter (address: !is6 address) addresses) + rule "ip6" (lib.filter is6 addresses);
}
