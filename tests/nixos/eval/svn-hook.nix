# The repository's hook on a real repository: what it lets through, what it rejects, and what the committer is told.
{
  runCommand,
  subversion,
  self,
}:

let
  inherit (self.nixosConfigurations.svn.config.polder.svn) hook;
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
