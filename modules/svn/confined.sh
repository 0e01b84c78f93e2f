# confined FOLDER PROGRAM ARGUMENTS...: runs a program that reads what a committer wrote.
#
# The hook runs as the account `svn`, which owns the repository and may read whatever everybody may. A parser needs none of
# that: it reads FOLDER and the programs of this system, writes nothing, gets no further privileges, and ends within limits of memory, time
# and output. Landlock needs no root and no namespaces, so that this holds under sshd as well as anywhere else. Where the
# kernel has none, nothing runs: an unconfined look would be worse than a commit that has to wait.
folder=$1
shift

rules=()
# The store; in the others NixOS has a shell and a loader at most.
for programs in /nix/store /usr /bin /lib /lib64; do
  if [ -d "$programs" ]; then
    rules+=(--landlock-rule "path-beneath:execute,read-file,read-dir:$programs")
  fi
done
rules+=(--landlock-rule "path-beneath:read-file,read-dir:$folder")
rules+=(--landlock-rule "path-beneath:read-file,write-file:/dev/null")
rules+=(--landlock-rule "path-beneath:read-file:/dev/urandom")

exec prlimit --as=2147483648 --cpu=20 --fsize=1048576 --nofile=64 --core=0 \
  timeout --kill-after=5 60 \
  setpriv --no-new-privs --landlock-access fs "${rules[@]}" \
  env --ignore-environment PATH="$PATH" HOME="$folder" NIX_CONF_DIR="$folder" NIX_USER_CONF_FILES='' \
  "$@"
