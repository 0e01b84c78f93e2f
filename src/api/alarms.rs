//! The words of those alarms that whoever shows a whole fleet must recognize: what it says itself of the same cause is said once.

/// No backend of a service may be used, and no latch keeps one: its visitors get 503.
pub fn no_usable_backend(service: &str) -> String {
    format!("{service}: no backend is usable")
}

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
    fn an_alarm_of_a_silent_peer_is_recognized_by_that_peers_whole_name() {
        let error = "px-1 (192.0.2.1:8405): connection refused";
        for alarm in [silent_peer(Some(20), error), silent_peer(None, error)] {
            assert!(is_of_silent_peer(&alarm, "px-1"), "{alarm}");
            assert!(!is_of_silent_peer(&alarm, "px-11") && !is_of_silent_peer(&alarm, "px"), "{alarm}");
        }
    }
}
