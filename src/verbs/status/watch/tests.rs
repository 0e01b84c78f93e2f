use super::*;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::status::tests::examples;

fn frame(change: impl Fn(&mut crate::api::proxy::Status)) -> Frame {
    let mut proxy = examples::proxy();
    change(&mut proxy);
    let endpoint = Endpoint::at(std::path::Path::new("/nowhere"));
    let reply = DaemonReply { endpoint, answer: Ok(Status::Proxy(Box::new(proxy))) };
    Frame::of(None, &Ok(Seen::of(vec![reply], None)), Columns::of(80))
}

#[test]
fn while_no_daemon_answers_nothing_is_said_of_what_there_is() {
    let silent = Seen::of(vec![examples::reply("px-1", Err(Error::new("frozen")))], None);
    let text = Frame::of(Some("shop"), &Ok(silent), Columns::of(80)).text;
    assert!(text.contains("no daemon answered") && !text.contains("there is no service"), "{text}");
}

#[test]
fn nothing_is_written_anew_while_only_counts_ages_and_times_of_probes_change() {
    let before = frame(|_| {});
    let busy = frame(|proxy| {
        proxy.requests += 7;
        proxy.daemon.uptime_s += 1;
        proxy.services[0].backends[0].requests += 7;
        proxy.services[0].backends[0].check_reason = "200 in 9 ms".to_owned();
        proxy.daemon.alarms.clear();
    });
    assert_eq!(before.steady, busy.steady);
    let down = frame(|proxy| proxy.services[0].backends[0].check = Verdict::Down);
    assert_ne!(before.steady, down.steady);
}

#[test]
fn an_alarm_that_counts_seconds_is_not_a_change_and_a_new_one_is() {
    let alarm = |words: &str| frame(|proxy| proxy.daemon.alarms = vec![words.to_owned()]).steady;
    assert_eq!(alarm("nothing has come for 12 s"), alarm("nothing has come for 13 s"));
    assert_ne!(alarm("nothing from px-2 for 12 s"), alarm("nothing from px-3 for 12 s"));
}

#[test]
fn what_says_that_lines_are_left_out_fits_a_telephone() {
    let lines = screen(&"line\n".repeat(2_000), 24);
    let shown: Vec<String> = lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
    assert!(shown.iter().all(|line| line.chars().count() <= 40), "{shown:?}");
    assert!(shown.iter().any(|line| line == "... 1979 more; `polder status` has all"), "{shown:?}");
}
