# What polder is made of, as a CycloneDX 1.6 document: every package of Cargo.lock with the checksum that cargo holds it to.
#
# Read from the lock file alone, so that it needs no network and is the same wherever it is made. Licences are not in a lock
# file: deny.toml says which are allowed, and CI holds every package to it.
{
  lib,
  writeText,
}:

let
  manifest = lib.importTOML ../Cargo.toml;
  inherit (lib.importTOML ../Cargo.lock) package;

  id = crate: "${crate.name} ${crate.version}";
  byId = lib.listToAttrs (map (crate: lib.nameValuePair (id crate) crate) package);
  byName = lib.groupBy (crate: crate.name) package;

  # An entry of `dependencies`: "NAME" where the lock file has one version of it, else "NAME VERSION".
  resolve = entry: byId.${entry} or (lib.head byName.${entry});
  dependenciesOf = crate: map resolve (crate.dependencies or [ ]);

  own = lib.head byName.${manifest.package.name};
  others = lib.filter (crate: crate != own) package;

  closure =
    crates:
    builtins.genericClosure {
      startSet = map (crate: {
        key = id crate;
        inherit crate;
      }) crates;
      operator =
        { crate, ... }:
        map (crate: {
          key = id crate;
          inherit crate;
        }) (dependenciesOf crate);
    };
  # What [dependencies] leads to. The rest serves tests and benchmarks.
  required = lib.catAttrs "key" (
    closure (lib.filter (crate: manifest.dependencies ? ${crate.name}) (dependenciesOf own))
  );

  purl = crate: "pkg:cargo/${crate.name}@${crate.version}";

  component =
    crate:
    # A package from elsewhere than crates.io would need another purl; deny.toml forbids them too.
    assert lib.assertMsg (
      crate.source or "" == "registry+https://github.com/rust-lang/crates.io-index"
    ) "${id crate}: not from crates.io";
    {
      type = "library";
      bom-ref = purl crate;
      inherit (crate) name version;
      scope = if lib.elem (id crate) required then "required" else "excluded";
      hashes = [
        {
          alg = "SHA-256";
          content = crate.checksum;
        }
      ];
      purl = purl crate;
      externalReferences = [
        {
          type = "distribution";
          url = "https://crates.io/api/v1/crates/${crate.name}/${crate.version}/download";
        }
      ];
    };

  dependency = crate: {
    ref = purl crate;
    dependsOn = lib.unique (map purl (dependenciesOf crate));
  };
in
writeText "polder.cdx.json" (
  builtins.toJSON {
    "$schema" = "http://cyclonedx.org/schema/bom-1.6.schema.json";
    bomFormat = "CycloneDX";
    specVersion = "1.6";
    version = 1;
    metadata.component = {
      type = "application";
      bom-ref = purl own;
      inherit (manifest.package) name version description;
      licenses = [ { expression = manifest.package.license; } ];
    };
    components = map component others;
    dependencies = map dependency package;
  }
)
