//! The members as they answer now, and what etcd is asked to change.

use std::time::Duration;

use etcd_client::{Client, MemberAddOptions};

use crate::config::membership::MembershipConfig;
use crate::etcd::look::look;
use crate::etcd::membership::{Picture, Step, Wanted};
use crate::etcd::{self, Asked, connect, within};
use crate::unix_time::unix_ms;
use crate::verbs::waiting;

/// How long a member may take to say how it is.
const LIMIT: Duration = Duration::from_secs(2);

/// How long a change of the members may take: it is written by most of them.
const CHANGE_LIMIT: Duration = Duration::from_secs(10);

/// Asks all members of the document at once.
pub(super) async fn look_at_all(config: &MembershipConfig) -> Vec<Asked> {
    let each = config.members.iter().map(|(name, member)| {
        let (name, endpoint, tls) = (name.clone(), member.client.clone(), config.tls.clone());
        (name.clone(), async move {
            let asked = async {
                let client = connect(&endpoint, tls.as_ref(), LIMIT).await?;
                look(&client, LIMIT).await
            };
            let said = asked.await.map_err(|why: etcd::Error| why.to_string());
            let mut asked = Asked { name, ..Asked::not_yet(&endpoint) };
            asked.take_in(said, unix_ms());
            asked
        })
    });
    waiting::all(each).await
}

/// Has etcd make a change.
///
/// # Errors
///
/// It has refused, or has not answered: then nobody knows whether it is done.
pub(super) async fn make(
    config: &MembershipConfig,
    picture: &Picture,
    asked: &[Asked],
    step: &Step,
) -> Result<(), etcd::Error> {
    let mut client = connect(&working(picture, asked), config.tls.as_ref(), LIMIT).await?;
    change(&mut client, step).await
}

async fn change(client: &mut Client, step: &Step) -> Result<(), etcd::Error> {
    match step {
        Step::Remove { id, .. } => within(CHANGE_LIMIT, client.member_remove(*id)).await.map(drop),
        Step::Add(Wanted { peer, .. }) => {
            let options = MemberAddOptions::new().with_is_learner();
            within(CHANGE_LIMIT, client.member_add([peer.as_str()], Some(options))).await.map(drop)
        }
        Step::Promote { id, .. } => within(CHANGE_LIMIT, client.member_promote(*id)).await.map(drop),
        Step::AwaitStart(_) | Step::AwaitCatchUp { .. } | Step::Done(_) | Step::Refuse { .. } => Ok(()),
    }
}

/// Where a member is that has a vote, answers, and hears a leader: the leader itself where it can be.
fn working(picture: &Picture, asked: &[Asked]) -> String {
    let answers = asked.iter().filter(|one| one.silent.is_none()).filter_map(|one| Some((one, one.answer.as_ref()?)));
    let votes = answers.filter(|(_, answer)| {
        answer.leader != 0 && picture.members.iter().any(|listed| listed.id == answer.id && !listed.is_learner)
    });
    let best = votes.max_by_key(|(_, answer)| (answer.leader == answer.id, answer.applied));
    best.map(|(one, _)| one.endpoint.clone()).unwrap_or_default()
}
