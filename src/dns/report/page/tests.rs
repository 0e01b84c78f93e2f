use super::*;
use crate::api::daemon::{Daemon, DaemonStatus};

#[test]
fn names_cannot_bring_markup_into_the_page() {
    let status = Status {
        daemon: DaemonStatus {
            role: Daemon::Nameserver,
            name: "<script>alert('x')</script>".into(),
            version: "1".into(),
            pid: 1,
            uptime_s: 1,
            generation: 1,
            ready: true,
            draining: false,
            listeners: vec![],
            peers: vec![],
            alarms: vec!["a <b> & \"c\"".into()],
            last_reload: None,
        },
        queries: 0,
        no_ipv6: false,
        zones: vec![],
        failed_zones: vec![],
        challenges: vec![],
        pools: vec![],
    };
    let page = page(&status, &Trends::default(), &[], &PagesConfig::default()).document();
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;"), "{page}");
}
