//! The rows of the drill, in the order in which they are played.

mod commands;
mod freezes;
mod https;
mod nameservers;
mod operators;
mod proxies;
mod row;
mod signed;
mod sites;
mod stateful;
mod stateless;

pub use row::Row;

/// All rows.
pub static ROWS: [&Row; 33] = [
    &stateless::KILLED,
    &stateless::FROZEN,
    &stateless::FAILING,
    &stateless::SLOW_ONE,
    &stateful::PRIMARY_KILLED,
    &stateful::PRIMARY_RETURNS,
    &stateful::BACKUP_KILLED_TOO,
    &stateful::FLAPPING,
    &stateful::FAILBACK,
    &stateful::ONE_PROXY_BLIND,
    &sites::LINK_CUT,
    &sites::ONE_PROXY_BLIND,
    &proxies::KILLED,
    &proxies::FROZEN,
    &proxies::DRAINED,
    &freezes::STOPPED_PROXY,
    &https::RESUMED,
    &https::RENEWED,
    &https::STREAMS,
    &nameservers::KILLED,
    &nameservers::FROZEN,
    &nameservers::ALL_LOOK_DEAD,
    &signed::BREAKS_AROUND_A_POOL,
    &operators::BAD_DOCUMENT,
    &commands::WRONG_CHECK,
    &commands::LAST_MEMBERS,
    &commands::ANSWERED_COMMANDS,
    &operators::RELOADS_UNDER_LOAD,
    &operators::PROXY_TAKEOVERS,
    &operators::NAMESERVER_TAKEOVERS,
    &freezes::FROZEN_TAKEOVER,
    &operators::PROXY_CRASHES,
    &operators::NAMESERVER_CRASHES,
];

/// The row of this name.
pub fn by_name(name: &str) -> Option<&'static Row> {
    ROWS.iter().copied().find(|row| row.name == name)
}

#[cfg(test)]
mod tests;
