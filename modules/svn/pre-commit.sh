# pre-commit REPOSITORY TRANSACTION: refuses a commit that cannot be right, and says where and why. What it writes to
# standard error is what the committer reads. It looks at the changed files alone; `polder check` looks at the whole.
repository=$1
transaction=$2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
findings=0

changed() { svnlook changed --transaction "$transaction" "$repository"; }

# The committer knows the file by its path, not by our copy of it.
refuse() { # PATH, reasons on standard input
  findings=$((findings + 1))
  {
    printf '\n%s:\n' "$1"
    sed "s|$scratch/||g; s/^/  /"
  } >&2
}

check_nix() {
  nix-instantiate --store dummy:// --parse "$scratch/file" >/dev/null
}

check_json() {
  jq empty "$scratch/file"
}

# The nameserver reads the zone with the code that it starts with. Its name is that of the file.
check_zone() { # PATH
  apex=$(basename "$1" .zone)
  cp "$scratch/file" "$scratch/$apex.zone"
  jq --null-input --arg apex "$apex" --arg scratch "$scratch" '{
    version: 1, listeners: ["127.0.0.1:53"], state_dir: "/var/empty",
    admin: { socket: "/run/polder-dns/admin.sock" },
    zones: { ($apex): { file: "\($scratch)/\($apex).zone" } }
  }' >"$scratch/dns.json"
  polder-dns --config "$scratch/dns.json" --check-config
}

check() { # PATH
  case $1 in
    *.nix) check_nix ;;
    *.json) check_json ;;
    *.zone) check_zone "$1" ;;
  esac
}

while IFS= read -r line; do
  status=${line:0:1}
  path=${line:4}
  case $status$path in
    D* | */) continue ;;
    *.nix | *.json | *.zone) ;;
    *) continue ;;
  esac
  svnlook cat --transaction "$transaction" "$repository" "$path" >"$scratch/file"
  # Each in a shell of its own, where the first failure ends the check.
  if ! (check "$path") >"$scratch/reasons" 2>&1; then
    refuse "$path" <"$scratch/reasons"
  fi
done < <(changed)

if [ "$findings" -gt 0 ]; then
  {
    printf '\nNothing was committed: %s of the changed files would not work.\n' "$findings"
    printf 'Mend them in your working copy and commit again; "nix flake check" there looks at the whole fleet.\n'
  } >&2
  exit 1
fi
