//! `agreement members`: how each of them is, as it says itself.

use serde_json::json;

use super::cluster::look_at_all;
use crate::config::membership::MembershipConfig;
use crate::etcd::cluster;
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::layout;
use crate::verbs::output::Output;
use crate::verbs::status::members_seen_from;

/// Asks and shows them.
pub(super) async fn run(config: &MembershipConfig, output: &Output) -> Result<Exit, Error> {
    let cluster = cluster(&look_at_all(config).await);
    let (findings, table) = members_seen_from("this host", &cluster, layout::width());
    output.answer(
        &json!({ "well": findings.is_empty(), "findings": findings, "members": cluster.members }),
        &match findings.is_empty() {
            true => table,
            false => {
                let told = findings.iter().map(|finding| layout::wrapped("! ", finding, 2, layout::width_of_lines()));
                format!("{}\n{table}", told.collect::<String>())
            }
        },
    );
    Ok(match findings.is_empty() {
        true => Exit::Done,
        false if cluster.answering() == 0 => Exit::CouldNot,
        false => Exit::No,
    })
}
