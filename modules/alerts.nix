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
in
{
  options.polder.alerts = {
    rules = mkOption {
      type = types.listOf (types.attrsOf types.anything);
      default = import ./alerts/rules.nix;
      defaultText = lib.literalMD "latch moved, latches differ, latch undecided, service down, pool down, reload failed, state not written, certificate not renewed, certificate ending, daemon down";
      description = "The alert rules. `PolderDaemonDown` expects the scrape job to be called `polder`.";
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
