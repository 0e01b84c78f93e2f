#![allow(clippy::unwrap_used)]

use nix::sys::signal::{Signal as Number, raise};

use super::*;

#[tokio::test]
async fn hangup_reloads_and_terminate_and_interrupt_stop() {
    let mut signals = Signals::install().unwrap();
    for (number, meaning) in
        [(Number::SIGHUP, Signal::Reload), (Number::SIGTERM, Signal::Stop), (Number::SIGINT, Signal::Stop)]
    {
        raise(number).unwrap();
        assert_eq!(signals.next().await, meaning);
    }
    raise(Number::SIGHUP).unwrap();
    raise(Number::SIGTERM).unwrap();
    signals.told_to_stop().await;
    assert_eq!(signals.next().await, Signal::Reload, "kept");
}
