# What one needs to work on polder: Rust with its linters, the formatter of the Nix files, and tools to look at DNS and HTTP.
{
  mkShell,
  cargo,
  rustc,
  rustfmt,
  clippy,
  rust-analyzer,
  nixfmt-tree,
  shellcheck,
  subversion,
  dig,
  curl,
  jq,
  polder,
}:

mkShell {
  inputsFrom = [ polder ];
  packages = [
    cargo
    rustc
    rustfmt
    clippy
    rust-analyzer
    nixfmt-tree
    shellcheck
    subversion
    dig
    curl
    jq
  ];
}
