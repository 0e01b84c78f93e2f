# The package: two daemons and the operator's command, with man pages and completions made by the command itself.
{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
  protobuf,
  testers,
  # Tests that need more than the package: the flake's NixOS tests, by name.
  machineTests ? { },
}:

let
  manifest = lib.importTOML ../Cargo.toml;
in
rustPlatform.buildRustPackage (finalAttrs: {
  pname = manifest.package.name;
  inherit (manifest.package) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = import ./source.nix { inherit lib; };
  };
  cargoLock.lockFile = ../Cargo.lock;

  nativeBuildInputs = [
    installShellFiles
    protobuf
  ];

  # `cargo test` holds docs/ to the code, so it needs docs/; .ci/run runs it.
  doCheck = false;

  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    mkdir man
    $out/bin/polder generate man man
    installManPage man/man1/* man/man8/*
    for shell in bash zsh fish; do
      $out/bin/polder generate completions $shell > polder.$shell
    done
    installShellCompletion polder.{bash,zsh,fish}
  '';

  passthru.tests = machineTests // {
    version = testers.testVersion { package = finalAttrs.finalPackage; };
  };

  meta = {
    inherit (manifest.package) description;
    mainProgram = "polder";
    license = with lib.licenses; [
      asl20
      mit
    ];
    platforms = lib.platforms.linux;
  };
})
