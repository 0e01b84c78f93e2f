//! Who gives the command.

/// `USER@HOST`.
pub fn who() -> String {
    let uid = nix::unistd::getuid();
    let named = || nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    let user = std::env::var("SUDO_USER").ok().or_else(named).unwrap_or_else(|| format!("uid {uid}"));
    let host =
        nix::unistd::gethostname().map_or_else(|_| "unknown".to_owned(), |host| host.to_string_lossy().into_owned());
    format!("{user}@{host}")
}
