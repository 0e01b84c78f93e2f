# One kind of cookie that names a backend.
{ lib, ... }:

{ ... }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    value = mkOption {
      type = types.enum [
        "address"
        "sealed"
      ];
      default = "address";
      description = "What it holds: the backend's address and port in the clear, or authenticated and encrypted.";
    };
    key = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "cookies";
      description = "With `sealed`: the name of the key in `polder.keys`, which every proxy needs.";
    };
  };
}
