use super::super::family::families;
use super::super::histogram::Histogram;
use super::*;

families! {
    /// Some.
    SOME:
    BUILD = Info "polder_build_info" ["version"] "The `version`.";
    UP = Gauge "polder_up" [] "Whether it is \"up\".\nA \\ stays one.";
    SENT = Counter "polder_sent_bytes_total" ["service", "code"] "Bytes.";
    CPU = Counter "process_cpu_seconds_total" [] "Time.";
    TIMES = Histogram "polder_wait_seconds" ["service"] "Waits.";
}

fn page(format: Format) -> String {
    let mut page = Page::new(Daemon::Proxy, format);
    page.metric(BUILD).sample(&[("version", "1.0")], 1_u64);
    page.metric(UP).flag(&[], true);
    let mut sent = page.metric(SENT);
    sent.sample(&[("service", "www"), ("code", "2xx")], 12_345_u64);
    sent.sample(&[("service", "a\"b\\c\nd"), ("code", "")], 0_u64);
    page.metric(CPU).sample(&[], Duration::from_millis(12_050));
    let histogram = Histogram::default();
    for millis in [1, 2, 3, 700, 60_000] {
        histogram.observe(Duration::from_millis(millis));
    }
    page.metric(TIMES).histogram(&[("service", "www")], &histogram.read());
    page.finish()
}

const SAMPLES: [&str; 5] = [
    "polder_build_info{daemon=\"proxy\",version=\"1.0\"} 1\n",
    "polder_up{daemon=\"proxy\"} 1\n",
    "polder_sent_bytes_total{daemon=\"proxy\",service=\"www\",code=\"2xx\"} 12345\n\
     polder_sent_bytes_total{daemon=\"proxy\",service=\"a\\\"b\\\\c\\nd\",code=\"\"} 0\n",
    "process_cpu_seconds_total{daemon=\"proxy\"} 12.050000000\n",
    "polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.001\"} 1\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.0025\"} 2\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.005\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.01\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.025\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.05\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.1\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.25\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"0.5\"} 3\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"1.0\"} 4\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"2.5\"} 4\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"5.0\"} 4\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"10.0\"} 4\n\
     polder_wait_seconds_bucket{daemon=\"proxy\",service=\"www\",le=\"+Inf\"} 5\n\
     polder_wait_seconds_sum{daemon=\"proxy\",service=\"www\"} 60.706000000\n\
     polder_wait_seconds_count{daemon=\"proxy\",service=\"www\"} 5\n",
];

#[test]
fn a_page_is_the_exact_text_of_prometheus_format() {
    assert_eq!(SOME.len(), SAMPLES.len());
    let heads = [
        "# HELP polder_build_info The version.\n# TYPE polder_build_info gauge\n",
        "# HELP polder_up Whether it is \"up\".\\nA \\\\ stays one.\n# TYPE polder_up gauge\n",
        "# HELP polder_sent_bytes_total Bytes.\n# TYPE polder_sent_bytes_total counter\n",
        "# HELP process_cpu_seconds_total Time.\n# TYPE process_cpu_seconds_total counter\n",
        "# HELP polder_wait_seconds Waits.\n# TYPE polder_wait_seconds histogram\n",
    ];
    let whole: String = heads.into_iter().zip(SAMPLES).flat_map(|(head, samples)| [head, samples]).collect();
    assert_eq!(page(Format::Prometheus), whole);
}

#[test]
fn a_page_is_the_exact_text_of_open_metrics() {
    let heads = [
        "# TYPE polder_build info\n# HELP polder_build The version.\n",
        "# TYPE polder_up gauge\n# HELP polder_up Whether it is \\\"up\\\".\\nA \\\\ stays one.\n",
        "# TYPE polder_sent_bytes counter\n# UNIT polder_sent_bytes bytes\n# HELP polder_sent_bytes Bytes.\n",
        "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n# HELP process_cpu_seconds Time.\n",
        "# TYPE polder_wait_seconds histogram\n# UNIT polder_wait_seconds seconds\n# HELP polder_wait_seconds Waits.\n",
    ];
    let whole: String = heads.into_iter().zip(SAMPLES).flat_map(|(head, samples)| [head, samples]).collect();
    assert_eq!(page(Format::OpenMetrics), whole + "# EOF\n");
}

#[test]
#[should_panic(expected = "polder_up has the labels []")]
fn a_sample_with_other_labels_than_its_family_is_a_mistake() {
    Page::new(Daemon::Proxy, Format::Prometheus).metric(UP).sample(&[("service", "www")], 1_u64);
}
