# The alert rules are valid: for Prometheus' own tool, if nixpkgs has it, and in their form.
{
  lib,
  pkgs,
  runCommand,
  self,
}:

let
  inherit (self.nixosConfigurations.admin-nl.config.polder.alerts) file;
  promtool = pkgs.prometheus.cli or null;
in
runCommand "alert-rules"
  { nativeBuildInputs = [ pkgs.jq ] ++ lib.optional (promtool != null) promtool; }
  ''
    ${lib.optionalString (promtool != null) "promtool check rules ${file}"}
    jq --exit-status '
      .groups[].rules | length > 0 and all(
        (.alert | test("^Polder[A-Za-z]+$")) and (.expr | length > 0) and (.for | test("^[0-9]+[sm]$"))
        and (.labels.severity | IN("warning", "critical"))
        and (.annotations.summary | length > 0) and (.annotations.description | length > 0)
      ) and (map(.alert) | length == (unique | length))
    ' ${file}
    touch $out
  ''
