# The software bill of materials has every package of Cargo.lock, each with its checksum, and each dependency leads to one of them.
#
# The lock file is read independently here, line by line.
{
  runCommand,
  stdenv,
  jq,
  self,
}:

runCommand "sbom"
  {
    nativeBuildInputs = [ jq ];
    sbom = self.packages.${stdenv.hostPlatform.system}.sbom;
    lock = ../../../Cargo.lock;
  }
  ''
    awk -F '"' '/^name = /{name=$2} /^version = /{version=$2} /^checksum = /{print name, version, $2}' $lock | sort > locked
    jq -r '.components[] | "\(.name) \(.version) \(.hashes[] | select(.alg == "SHA-256").content)"' $sbom | sort > listed
    test -s locked
    if ! diff -u locked listed; then
      echo "the packages of Cargo.lock (-) are not those of the bill of materials (+)" >&2
      exit 1
    fi

    jq -r '.metadata.component["bom-ref"], .components[]["bom-ref"]' $sbom | sort > known
    jq -r '.dependencies[] | .ref, .dependsOn[]' $sbom | sort -u > led-to
    if ! diff -u known led-to || [ -n "$(uniq -d known)" ]; then
      echo "the dependencies lead to what is no component, or to none" >&2
      exit 1
    fi

    # What only tests and benchmarks need is marked so; what the daemons need is not.
    test "$(jq -r '.components[] | select(.name == "criterion").scope' $sbom)" = excluded
    test "$(jq -r '.components[] | select(.name == "tokio").scope' $sbom)" = required
    test "$(jq -r '"\(.bomFormat) \(.specVersion)"' $sbom)" = "CycloneDX 1.6"
    touch $out
  ''
