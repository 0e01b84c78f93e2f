# The files that cargo compiles: a change of documentation, modules or hosts rebuilds nothing.
{ lib }:

lib.fileset.unions [
  ../Cargo.toml
  ../Cargo.lock
  ../src
]
