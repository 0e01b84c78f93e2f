//! The operator's command: see `polder::verbs`.

fn main() -> std::process::ExitCode {
    polder::verbs::run(polder::verbs::parse())
}
