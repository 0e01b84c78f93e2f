use super::Format::{OpenMetrics, Prometheus};
use super::*;

#[test]
fn open_metrics_is_for_those_who_ask_for_it_and_prefer_nothing_else() {
    for (accept, format) in [
        ("", Prometheus),
        ("*/*", Prometheus),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Prometheus),
        ("application/openmetrics-text", OpenMetrics),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", OpenMetrics),
        ("application/openmetrics-text;version=\"1.0.0\"", OpenMetrics),
        ("application/openmetrics-text;version=0.0.1", Prometheus),
        ("application/openmetrics-text;version=1.0.0;q=0", Prometheus),
        ("application/openmetrics-text;version=1.0.0;q=much", Prometheus),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.9", Prometheus),
        // Prometheus 2.30 and 3.0.
        (
            "application/openmetrics-text; version=1.0.0; q=0.75,application/openmetrics-text; version=0.0.1; q=0.5,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
            OpenMetrics,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        ),
    ] {
        assert_eq!(Format::accepted(accept), format, "{accept:?}");
    }
}
