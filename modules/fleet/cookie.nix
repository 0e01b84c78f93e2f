# One kind of cookie that names a backend.
{ lib, ... }:

{ config, ... }:

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
      default = "sealed";
      description = ''
        What it holds: the backend's address and port, authenticated and encrypted or in the clear. In the clear it tells
        visitors about the inside, and lets them choose their backend.
      '';
    };
    key = mkOption {
      type = types.nullOr types.str;
      default = if config.value == "sealed" then "cookies" else null;
      defaultText = lib.literalMD "`\"cookies\"` with `sealed`, else none";
      example = "cookies";
      description = "With `sealed`: the name of the key in `polder.keys`, which every proxy needs.";
    };
  };
}
