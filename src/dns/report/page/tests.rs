use super::*;

#[test]
fn names_cannot_bring_markup_into_the_page() {
    let status = Status {
        role: "nameserver".into(),
        name: "<script>alert('x')</script>".into(),
        version: "1".into(),
        pid: 1,
        uptime_s: 1,
        generation: 1,
        ready: true,
        draining: false,
        listeners: vec![],
        queries: 0,
        zones: vec![],
        pools: vec![],
        peers: vec![],
        alarms: vec!["a <b> & \"c\"".into()],
        last_reload: None,
    };
    let page = render(&status);
    assert!(!page.contains("<script>"), "{page}");
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;"), "{page}");
}
