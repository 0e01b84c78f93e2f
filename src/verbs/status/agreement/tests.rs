use super::*;
use crate::api::agreement::Report;
use crate::verbs::status::columns::Columns;
use crate::verbs::status::findings;
use crate::verbs::status::seen::Seen;
use crate::verbs::status::tests::examples;
use crate::verbs::status::view::View as Shown;

const NAMES: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];

fn member(name: &str) -> Member {
    Member {
        name: name.to_owned(),
        id: Some(format!("{name}-id")),
        endpoint: Some(format!("https://{name}:2379")),
        is_asked: true,
        is_listed: Some(true),
        heard: Some(1_700_000_000_000),
        report: Some(Report {
            cluster: "7".to_owned(),
            leads: name == "etcd-1",
            has_leader: true,
            behind: Some(0),
            database: 20 << 10,
            quota: None,
            version: "3.4.30".to_owned(),
        }),
        ..Member::default()
    }
}

fn silent(name: &str, why: &str) -> Member {
    Member { report: None, silent_since: Some(1_700_000_060_000), error: Some(why.to_owned()), ..member(name) }
}

/// Proxies px-1, px-2, ... that see these members.
fn replies(seen: &[Vec<Member>]) -> Vec<DaemonReply> {
    let proxies = (1..).zip(seen).map(|(number, members)| {
        let mut proxy = examples::proxy();
        proxy.services[1].backends[1].operator = crate::api::operator::OperatorState::Ready;
        proxy.daemon.name = format!("px-{number}");
        proxy.agreement = Some(Cluster { members: members.clone() });
        examples::reply(&format!("px-{number}"), Ok(crate::api::status::Status::Proxy(Box::new(proxy))))
    });
    proxies.collect()
}

fn found(seen: &[Vec<Member>]) -> Vec<String> {
    findings::all(&replies(seen)).into_iter().map(String::from).collect()
}

fn table(seen: &[Vec<Member>]) -> String {
    let replies = replies(seen);
    let text = all(&replies).unwrap().table(200);
    anstream::adapter::strip_str(&text).to_string()
}

fn well() -> Vec<Member> {
    NAMES.map(member).to_vec()
}

/// With another one in the place of the member of its name.
fn but(changed: Member) -> Vec<Member> {
    well().into_iter().map(|one| if one.name == changed.name { changed.clone() } else { one }).collect()
}

#[test]
fn members_that_are_well_are_one_line_and_no_finding() {
    let replies = replies(&[well(), well()]);
    let views = all(&replies).unwrap();
    assert!(views.is_well());
    assert_eq!(views.line(), "agreement: 3 members of etcd 3.4.30, all answer; etcd-1 leads");
    assert_eq!(findings::all(&replies), []);
}

#[test]
fn a_member_that_answers_nobody_is_told_once_with_what_is_left() {
    let seen = but(silent("etcd-3", "connection refused"));
    let found = found(&[seen.clone(), seen.clone()]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(
        found[0],
        "agreement: 2 of 3 members of etcd answer: with the next one that is lost, nothing can be agreed on"
    );
    assert!(found[1].starts_with("member etcd-3 of etcd answers nobody since "), "{found:#?}");
    assert!(found[1].contains(": connection refused; see what `systemctl status etcd` says"), "{found:#?}");
    assert!(
        found[1].ends_with("; if its data are lost, `polder agreement replace etcd-3` on another member"),
        "{found:#?}"
    );
    let table = table(&[seen.clone(), seen]);
    assert_eq!(table.lines().count(), 4, "one line a member: {table}");
    assert!(table.contains("silent") && !table.contains("NOT REACHED BY"), "{table}");
}

#[test]
fn a_member_that_one_proxy_does_not_reach_is_told_with_who_does() {
    let seen = [but(silent("etcd-3", "no answer within 2s")), well()];
    let told = found(&seen);
    let words = "member etcd-3 of etcd does not answer px-1, and answers px-2: look at the way between them";
    assert_eq!(told, [words]);
    let table = table(&seen);
    let line = table.lines().find(|line| line.starts_with("etcd-3")).unwrap();
    assert!(line.contains("follows") && line.ends_with("px-1"), "{table}");
}

#[test]
fn without_a_leader_it_is_said_how_many_answer_and_how_many_are_needed() {
    let mut lonely = member("etcd-1");
    lonely.report.as_mut().unwrap().leads = false;
    lonely.report.as_mut().unwrap().has_leader = false;
    let seen = vec![lonely, silent("etcd-2", "refused"), silent("etcd-3", "refused")];
    let told = found(&[seen]);
    let first =
        "agreement: etcd has no leader: 1 of 3 members answer, and 2 are needed; start the members that do not answer;";
    assert!(told[0].starts_with(first), "{told:#?}");
    let seen = NAMES.map(|name| silent(name, "refused")).to_vec();
    let told = found(&[seen]);
    assert!(told[0].starts_with("agreement: no member of etcd answers"), "{told:#?}");
    assert!(!told.iter().any(|one| one.contains("agreement replace")), "it would be refused: {told:#?}");
}

#[test]
fn what_a_member_complains_of_or_lacks_is_a_finding_about_it_with_what_to_do() {
    let full = Member { alarms: vec!["NOSPACE".to_owned()], ..member("etcd-2") };
    let corrupt = Member { alarms: vec!["CORRUPT".to_owned()], ..member("etcd-2") };
    let learner = Member { is_learner: true, ..member("etcd-2") };
    let removed = Member { is_listed: Some(false), ..silent("etcd-2", "refused") };
    let unnamed = Member { is_asked: false, report: None, ..member("etcd-2") };
    let mut slow = member("etcd-2");
    slow.report.as_mut().unwrap().behind = Some(50_000);
    let mut apart = member("etcd-2");
    apart.report.as_mut().unwrap().cluster = "8".to_owned();
    let mut newer = member("etcd-2");
    newer.report.as_mut().unwrap().version = "3.5.21".to_owned();
    for (changed, words) in [
        (full, "`etcdctl defrag --cluster`, then `etcdctl alarm disarm`"),
        (corrupt, "(CORRUPT): stop it, then `polder agreement replace etcd-2`"),
        (learner, "etcd-2 of etcd is a learner: it has no vote yet; `polder agreement join etcd-2`"),
        (removed, "etcd-2 is named in `agreement.endpoints` and is no member"),
        (unnamed, "member etcd-2 of etcd is in no `agreement.endpoints`"),
        (slow, "50000 entries behind its leader"),
        (apart, "different clusters of etcd, 7 (etcd-1 and etcd-3) and 8 (etcd-2)"),
        (newer, "different versions, 3.4.30 (etcd-1 and etcd-3) and 3.5.21 (etcd-2)"),
    ] {
        let told = found(&[but(changed)]);
        assert!(told.iter().any(|one| one.contains(words)), "{words}: {told:#?}");
    }
}

#[test]
fn a_member_that_has_not_been_asked_yet_is_no_finding() {
    let new =
        |name| Member { name: String::new(), id: None, is_listed: None, heard: None, report: None, ..member(name) };
    let seen = NAMES.map(new).to_vec();
    assert_eq!(found(&[seen]), [""; 0]);
}

#[test]
fn a_member_without_a_name_is_not_to_be_replaced_by_what_is_no_name() {
    let unnamed = Member { name: String::new(), ..silent("etcd-3", "refused") };
    let seen: Vec<Member> = well().into_iter().take(2).chain([unnamed]).collect();
    let told = found(&[seen]);
    let words = told.iter().find(|one| one.starts_with("member https://etcd-3:2379 of etcd answers nobody")).unwrap();
    assert!(!words.contains("agreement replace"), "{words}");
}

#[test]
fn status_of_the_agreement_has_its_headings_beside_a_silent_member() {
    let replies = replies(&[but(silent("etcd-3", "connection refused"))]);
    let seen = Seen::of(replies, None);
    let Ok(view) = Shown::of(Some("agreement"), &seen) else { panic!("it is known") };
    let text = anstream::adapter::strip_str(&view.text(&seen, Columns::of(80))).to_string();
    let heading = "agreement: 3 members of etcd 3.4.30, 2 of them answer; etcd-1 leads\nMEMBER  PART ";
    assert!(text.contains(heading), "{text}");
    assert!(text.lines().any(|line| line.starts_with("etcd-3  silent")), "{text}");
}
