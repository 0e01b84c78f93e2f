# The hook on a real repository: what it accepts, what it rejects, and what the committer reads.
{
  runCommand,
  subversion,
  self,
}:

let
  inherit (self.nixosConfigurations.svn.config.polder.svn) hook;
  confined = self.nixosConfigurations.svn.config.environment.etc."polder/svn/confined".source;
in
runCommand "svn-hook" { nativeBuildInputs = [ subversion ]; } ''
  export HOME=$PWD
  svnadmin create repository
  ln -s ${hook}/bin/pre-commit repository/hooks/pre-commit
  svn checkout --quiet file://$PWD/repository copy
  cd copy

  refused() { # the words that the committer has to read
    if svn commit --message "$1" > ../said 2>&1; then
      echo "not refused: $1" >&2
      exit 1
    fi
    for words in "$@"; do
      grep -F -e "$words" ../said || { echo "not said: $words" >&2; cat ../said >&2; exit 1; }
    done
    svn revert --quiet --recursive .
    svn cleanup --remove-unversioned .
  }

  silent_about() {
    if grep -F -e "$1" ../said; then
      exit 1
    fi
  }

  echo "== a fleet that is well goes in"
  cp -r --no-preserve=mode ${../../../hosts} hosts
  svn add --quiet hosts
  svn commit --message "the fleet"

  echo "== a Nix file that does not parse"
  echo '}' >> hosts/px-nl.nix
  refused "hosts/px-nl.nix:" "syntax error" "Nothing was committed: 1 of the changed files would not work."

  echo "== a zone that the nameserver would refuse"
  echo 'broken IN A 192.0.2.300' >> hosts/zones/example.net.zone
  refused "hosts/zones/example.net.zone:" "192.0.2.300" "example.net.zone:$(wc -l < hosts/zones/example.net.zone)"

  echo "== a zone that includes a file of its folder goes in, and one that includes another's is refused without a line of it"
  mkdir hosts/zones/sub
  echo 'included IN A 192.0.2.77' > hosts/zones/sub/hosts.inc
  echo '$INCLUDE sub/hosts.inc' >> hosts/zones/example.net.zone
  svn add --quiet hosts/zones/sub
  svn commit --message "an include"
  echo "hunter2 is nobody's business" > $HOME/secret
  for named in $HOME/secret ../px-nl.nix /dev/zero; do
    echo "\$INCLUDE $named" >> hosts/zones/example.net.zone
    refused "hosts/zones/example.net.zone:" "lies outside of the zone's folder"
    silent_about hunter2
  done
  echo "hunter2: not a zone" > hosts/zones/sub/hosts.inc
  echo '; changed' >> hosts/zones/example.net.zone
  refused "hosts/zones/example.net.zone:" "its text is not shown here"
  silent_about hunter2

  echo "== what reads a committer's text sees its copies, and ends"
  mkdir ../seen
  echo '{}' > ../seen/file
  confined() { ${confined} $HOME/seen "$@"; }
  denied() {
    if confined "$@"; then
      echo "not denied: $*" >&2
      exit 1
    fi
  }
  confined cat $HOME/seen/file
  denied cat $HOME/secret
  denied cat /etc/passwd
  denied touch $HOME/seen/new
  [ "$(confined "$BASH" -c 'ulimit -v; ulimit -t; ulimit -c')" = "$(printf '2097152\n20\n0')" ]

  echo "== JSON that does not parse, and a Nix file beside it"
  echo '{' > new.json
  echo '{ a = ; }' > new.nix
  svn add --quiet new.json new.nix
  refused "new.json:" "new.nix:" "2 of the changed files"

  echo "== what is deleted, renamed or no business of the hook goes in"
  svn delete --quiet hosts/zones/example.net.zone
  svn move --quiet hosts/web-1.nix "hosts/web 1.nix"
  echo '}' > notes.txt
  svn add --quiet notes.txt
  svn commit --message "notes"
  touch $out
''
