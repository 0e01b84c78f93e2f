# One kind of session cookie.
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
        What the cookie holds. With `sealed`, the backend's address and port, encrypted and authenticated. With `address`, the
        same in clear text, which shows visitors addresses inside the fleet and lets them choose their backend.
      '';
    };
    key = mkOption {
      type = types.nullOr types.str;
      default = if config.value == "sealed" then "cookies" else null;
      defaultText = lib.literalMD "`\"cookies\"` with `sealed`, else none";
      example = "cookies";
      description = "With `sealed`: the name of the key in `polder.keys` that seals the cookie. Every proxy needs it.";
    };
  };
}
