use super::*;

families! {
    /// Some.
    SOME:
    READY = Gauge "polder_ready" [] "1 if it serves.";
    SENT = Counter "polder_sent_bytes_total" ["service", "class" "`1xx` to `5xx`"] "Bytes of [`bodies`](http.md#bodies), [so far.";
    BUILD = Info "polder_build_info" ["version"] "The version.";
}

#[test]
fn a_table_has_every_metric_in_its_order_with_its_labels() {
    assert_eq!(SOME, [READY, SENT, BUILD]);
    let labels = SENT.labels.iter().map(|label| (label.name, label.values));
    assert_eq!(labels.collect::<Vec<_>>(), [("service", ""), ("class", "`1xx` to `5xx`")]);
}

#[test]
fn the_unit_is_what_the_name_ends_with() {
    assert_eq!(SOME.iter().map(Family::unit).collect::<Vec<_>>(), [None, Some("bytes"), None]);
    assert_eq!(
        SOME.iter().map(Family::stem).collect::<Vec<_>>(),
        ["polder_ready", "polder_sent_bytes", "polder_build"]
    );
}

#[test]
fn plain_help_has_the_words_of_links_and_no_marks() {
    assert_eq!(SENT.plain_help(), "Bytes of bodies, so far.");
}
