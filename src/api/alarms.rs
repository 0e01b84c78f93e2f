//! The words of those alarms that whoever shows a whole fleet must recognize: what it says itself of the same cause is said once.

/// No backend of a service may be used, and no latch keeps one: its visitors get 503.
pub fn no_usable_backend(service: &str) -> String {
    format!("{service}: no backend is usable")
}

/// The active backend of a service with a latch is no good (`why`), and there is nowhere to go: its visitors get 503.
pub fn no_other_backend(service: &str, why: &str) -> String {
    format!("{service}: {why}{NOWHERE}")
}

/// Whether an alarm says that visitors of this service get 503.
pub fn is_of_outage(alarm: &str, service: &str) -> bool {
    let of_latch = || alarm.strip_prefix(service).is_some_and(|rest| rest.starts_with(": ") && rest.ends_with(NOWHERE));
    alarm == no_usable_backend(service) || of_latch()
}

/// How [`no_other_backend`] ends.
const NOWHERE: &str = ", and no other backend can serve";

/// Nothing has come from a peer, for so many seconds or since the start. `error` begins with the peer's name and, in brackets, its address.
pub fn silent_peer(seconds: Option<u64>, error: &str) -> String {
    match seconds {
        Some(seconds) => format!("nothing has come for {seconds} s from peer {error}"),
        None => format!("nothing has come since the start from peer {error}"),
    }
}

/// Whether an alarm says that nothing has come from this peer.
pub fn is_of_silent_peer(alarm: &str, peer: &str) -> bool {
    let error = alarm.starts_with("nothing has come ").then(|| alarm.split_once(" from peer ")).flatten();
    error.is_some_and(|(_, error)| error.strip_prefix(peer).is_some_and(|rest| rest.starts_with(" (")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_of_an_outage_is_recognized_by_the_whole_name_of_the_service() {
        for alarm in [no_usable_backend("shop"), no_other_backend("shop", "shop2 is down (connection refused)")] {
            assert!(
                is_of_outage(&alarm, "shop") && !is_of_outage(&alarm, "sho") && !is_of_outage(&alarm, "shop2"),
                "{alarm}"
            );
        }
        assert!(!is_of_outage("shop: peer px-2 has shop1 active", "shop"));
    }

    #[test]
    fn an_alarm_of_a_silent_peer_is_recognized_by_that_peers_whole_name() {
        let error = "px-1 (192.0.2.1:8405): connection refused";
        for alarm in [silent_peer(Some(20), error), silent_peer(None, error)] {
            assert!(is_of_silent_peer(&alarm, "px-1"), "{alarm}");
            assert!(!is_of_silent_peer(&alarm, "px-11") && !is_of_silent_peer(&alarm, "px"), "{alarm}");
        }
    }
}
