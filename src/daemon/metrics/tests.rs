use super::*;

#[test]
fn a_page_is_the_exact_text_of_the_exposition_format() {
    let mut page = Page::default();
    page.metric("polder_up", "gauge", "Whether it is up.\nA \\ stays one.");
    page.sample("polder_up", &[], 1);
    page.metric("polder_requests_total", "counter", "Requests.");
    page.sample("polder_requests_total", &[("service", "www"), ("code", "2xx")], 12_345_u64);
    page.sample("polder_requests_total", &[("service", "a\"b\\c\nd")], 0.25);
    assert_eq!(
        page.finish(),
        "# HELP polder_up Whether it is up.\\nA \\\\ stays one.\n\
         # TYPE polder_up gauge\n\
         polder_up 1\n\
         # HELP polder_requests_total Requests.\n\
         # TYPE polder_requests_total counter\n\
         polder_requests_total{service=\"www\",code=\"2xx\"} 12345\n\
         polder_requests_total{service=\"a\\\"b\\\\c\\nd\"} 0.25\n"
    );
}

#[test]
fn values_that_are_no_numbers_have_the_formats_words() {
    let mut page = Page::default();
    for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        page.sample("x", &[], value);
    }
    assert_eq!(page.finish(), "x +Inf\nx -Inf\nx NaN\n");
}

#[test]
fn a_histogram_is_cumulative_and_ends_with_all() {
    let mut page = Page::default();
    page.histogram("t", &[("s", "w")], &[0.1, 1.0], &[3, 2, 1], 4.5);
    assert_eq!(
        page.finish(),
        "t_bucket{s=\"w\",le=\"0.1\"} 3\nt_bucket{s=\"w\",le=\"1\"} 5\nt_bucket{s=\"w\",le=\"+Inf\"} 6\n\
         t_sum{s=\"w\"} 4.5\nt_count{s=\"w\"} 6\n"
    );
}
