# Alert rules for a Prometheus that reads the daemons' metrics (polder.fleet.metricsFrom admits it).
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.alerts;

  # JSON is YAML: Prometheus reads the file as it stands, and so do those who have no NixOS. Each rule is tried by
  # tests/nixos/alerts.nix, or agreement.nix: it fires. Its expressions keep to what that test evaluates without Prometheus (tests/nixos/data/alerts.py).
  shipped = builtins.fromJSON (builtins.readFile ../dist/prometheus/rules.yml);
in
{
  options.polder.alerts = {
    rules = mkOption {
      type = types.listOf (types.attrsOf types.anything);
      default = lib.concatMap (group: group.rules) shipped.groups;
      defaultText = lib.literalMD "latch moved, latches differ, latch undecided, service down, pool down, reload failed, zone not from its file, zone not served, state not written, certificate not renewed, certificate ending, daemon down, member of the agreement down, or out of a proxy's reach, or with an alarm, agreement without a leader";
      description = "The alert rules. `PolderDaemonDown` expects the scrape job of the daemons to be called `polder`, and that of the members of `polder.fleet.agreement` (port 2381) `polder-agreement`.";
    };
    file = mkOption {
      type = types.package;
      readOnly = true;
      default = (pkgs.formats.json { }).generate "polder-alerts.json" {
        groups = [
          {
            name = "polder";
            inherit (cfg) rules;
          }
        ];
      };
      defaultText = lib.literalMD "the rules as a file";
      example = lib.literalExpression "services.prometheus.ruleFiles = [ config.polder.alerts.file ];";
      description = "The alert rules as a file, for `services.prometheus.ruleFiles`.";
    };
  };
}
