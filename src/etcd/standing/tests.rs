use super::*;

fn listed(ids: &[u64]) -> Vec<Listed> {
    let one = |id: &u64| Listed {
        id: *id,
        name: format!("etcd-{id}"),
        peer_urls: vec![format!("http://10.0.0.{id}:2380")],
        client_urls: vec![format!("http://10.0.0.{id}:2379")],
        is_learner: false,
    };
    ids.iter().map(one).collect()
}

fn answer(id: u64, leader: u64, applied: u64) -> Answer {
    Answer {
        cluster: 7,
        id,
        leader,
        index: applied,
        applied,
        database: 20_480,
        version: "3.4.30".to_owned(),
        members: Some(listed(&[1, 2, 3])),
        ..Answer::default()
    }
}

fn asked(id: u64, said: Result<Answer, &str>) -> Asked {
    let mut asked = Asked::not_yet(&format!("http://10.0.0.{id}:2379"));
    asked.take_in(said.map_err(str::to_owned), 1000);
    asked
}

#[test]
fn a_member_is_as_far_behind_as_what_it_has_not_taken_in_of_its_leaders_entries() {
    let asked = [asked(1, Ok(answer(1, 2, 90))), asked(2, Ok(answer(2, 2, 100))), asked(3, Err("no answer within 2s"))];
    let cluster = cluster(&asked);
    let names: Vec<&str> = cluster.members.iter().map(Member::label).collect();
    assert_eq!(names, ["etcd-1", "etcd-2", "etcd-3"]);
    let behind: Vec<Option<u64>> =
        cluster.members.iter().map(|member| member.report.as_ref().and_then(|report| report.behind)).collect();
    assert_eq!(behind, [Some(10), Some(0), None]);
    assert_eq!(cluster.leader().map(Member::label), Some("etcd-2"));
    assert_eq!((cluster.votes(), cluster.answering(), cluster.majority()), (3, 2, 2));
    let third = &cluster.members[2];
    assert_eq!((third.silent_since, third.error.as_deref()), (Some(1000), Some("no answer within 2s")));
}

#[test]
fn a_member_that_falls_silent_is_silent_since_the_first_question_that_it_did_not_answer() {
    let mut one = asked(1, Ok(answer(1, 1, 5)));
    one.take_in(Err("refused".to_owned()), 2000);
    one.take_in(Err("no answer within 2s".to_owned()), 7000);
    let cluster = cluster(&[one]);
    let member = cluster.members.iter().find(|member| member.name == "etcd-1").unwrap();
    assert_eq!((member.heard, member.silent_since, member.report.is_some()), (Some(1000), Some(2000), false));
    assert_eq!(member.error.as_deref(), Some("no answer within 2s"));
}

#[test]
fn members_that_nobody_asks_and_endpoints_that_are_no_member_are_told_apart() {
    let mut first = answer(1, 1, 5);
    first.members = Some(listed(&[1, 4]));
    let cluster = cluster(&[asked(1, Ok(first)), asked(3, Err("refused"))]);
    let told: Vec<(&str, bool, Option<bool>)> =
        cluster.members.iter().map(|member| (member.label(), member.is_asked, member.is_listed)).collect();
    assert_eq!(
        told,
        [("etcd-1", true, Some(true)), ("etcd-4", false, Some(true)), ("http://10.0.0.3:2379", true, Some(false))]
    );
    assert_eq!(cluster.votes(), 2);
}

#[test]
fn an_alarm_is_the_members_whose_number_it_names_whoever_tells_it() {
    let mut first = answer(1, 1, 5);
    first.alarms = vec![(3, "NOSPACE".to_owned())];
    let second = Answer { alarms: first.alarms.clone(), ..answer(2, 1, 5) };
    let cluster = cluster(&[asked(1, Ok(first)), asked(2, Ok(second)), asked(3, Err("refused"))]);
    let alarms: Vec<usize> = cluster.members.iter().map(|member| member.alarms.len()).collect();
    assert_eq!(alarms, [0, 0, 1]);
}

#[test]
fn who_answers_knows_the_members_better_than_who_did() {
    let mut gone = asked(1, Ok(answer(1, 1, 50)));
    gone.take_in(Err("refused".to_owned()), 2000);
    let mut second = answer(2, 2, 40);
    second.members = Some(listed(&[2]));
    let cluster = cluster(&[gone, asked(2, Ok(second))]);
    assert_eq!(cluster.members.iter().filter(|member| member.is_listed == Some(true)).count(), 1);
}
