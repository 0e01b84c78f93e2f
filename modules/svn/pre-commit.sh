# pre-commit REPOSITORY TRANSACTION: refuses a commit that cannot be right, and says where and why. What it writes to
# standard error is what the committer reads. It looks at the changed files alone; `polder check` looks at the whole.
#
# What a committer wrote is read by confined programs, which see nothing but copies of the transaction's files.
repository=$1
transaction=$2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Copies alone are in here: the programs that read them see no more.
seen=$scratch/seen
mkdir "$seen"
findings=0

changed() { svnlook changed --transaction "$transaction" "$repository"; }

# A file of the transaction, of 64 MiB at most.
copy() { # PATH, COPY
  mkdir -p "$(dirname "$2")"
  prlimit --fsize=67108864 svnlook cat --transaction "$transaction" "$repository" "$1" >"$2"
}

# The committer knows the file by its path, not by our copy of it.
refuse() { # PATH, reasons on standard input
  findings=$((findings + 1))
  {
    printf '\n%s:\n' "$1"
    sed "s|$seen/zone/||g; s|$seen/||g; s/^/  /" | tr --delete '\000-\010\013-\037\177'
  } >&2
}

check_nix() {
  polder-svn-confined "$seen" nix-instantiate --store dummy:// --parse "$seen/file" >/dev/null
}

check_json() {
  polder-svn-confined "$seen" jq empty "$seen/file"
}

# The nameserver reads the zone with the code that it starts with. Its name is that of the file.
check_zone() { # PATH
  apex=$(basename "$1" .zone)
  rm -rf "$seen/zone"
  mkdir "$seen/zone"
  cp "$seen/file" "$seen/zone/$apex.zone"
  if grep -q -i '^[$]INCLUDE' "$seen/file"; then
    copy_folder "$(dirname "$1")"
  fi
  jq --null-input --arg apex "$apex" '{
    version: 1, listeners: ["127.0.0.1:53"], state_dir: "/var/empty",
    admin: { socket: "/run/polder-dns/admin.sock" },
    zones: { ($apex): { file: "zone/\($apex).zone" } }
  }' >"$seen/dns.json"
  polder-svn-confined "$seen" polder-dns --config "$seen/dns.json" --check-config
}

# What a zone may include lies beside it or below.
copy_folder() { # PATH
  while IFS= read -r path; do
    case $path in
      */) continue ;;
      "$1"/*) copy "$path" "$seen/zone/${path#"$1"/}" ;;
    esac
  done < <(svnlook tree --full-paths --transaction "$transaction" "$repository" "$1")
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
  # Each in a shell of its own, where the first failure ends the check.
  if ! (copy "$path" "$seen/file" && check "$path") >"$scratch/reasons" 2>&1; then
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
