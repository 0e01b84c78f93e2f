# The option reference (docs/options.md), generated from the modules.
#
# Rendered here and not with nixosOptionsDoc, so that the page depends on our options alone and can be compared byte by byte.
{
  lib,
  pkgs,
  writeText,
}:

let
  evaluated = lib.evalModules {
    modules = [
      (import ../modules).default
      {
        _module.check = false;
        _module.args = { inherit pkgs; };
      }
    ];
  };
  options = lib.sortOn (option: option.name) (
    lib.filter (
      option: option.visible == true && !option.internal && lib.hasPrefix "polder." option.name
    ) (lib.optionAttrSetToDocList evaluated.options)
  );

  text = value: lib.trim (if lib.isAttrs value then value.text else value);
  shown =
    what: option:
    let
      value = option.${what};
      prose = value._type or "" == "literalMD";
    in
    lib.optionalString (option ? ${what}) (
      if prose then
        "\n${what}: ${text value}\n"
      else if lib.hasInfix "\n" (text value) then
        "\n${what}:\n\n```nix\n${text value}\n```\n"
      else
        "\n${what}: `${text value}`\n"
    );

  undescribed = lib.filter (option: (option.description or null) == null) options;

  entry = option: ''

    ## `${option.name}`

    ${text option.description}

    type: ${option.type}${lib.optionalString option.readOnly " (read only)"}
    ${shown "default" option}${shown "example" option}'';
in
assert lib.assertMsg (undescribed == [ ])
  "options without a description: ${lib.concatMapStringsSep ", " (option: option.name) undescribed}";
writeText "options.md" (
  builtins.unsafeDiscardStringContext ''
    # Options

    Every option of the modules, generated from them by `nix build .#options-doc`; a check compares.
    Keys in snake_case go into the daemons' documents under the same name: [documents.md](documents.md) has their ranges.
    ${lib.concatMapStrings entry options}''
)
