use super::*;

#[test]
fn a_page_is_the_exact_text_of_the_exposition_format() {
    let mut page = Page::new(Daemon::Proxy);
    page.gauge("polder_up", "Whether it is up.\nA \\ stays one.").flag(&[], true);
    let mut requests = page.counter("polder_requests_total", "Requests.");
    requests.sample(&[("service", "www"), ("code", "2xx")], 12_345);
    requests.sample(&[("service", "a\"b\\c\nd")], 0);
    assert_eq!(
        page.finish(),
        "# HELP polder_up Whether it is up.\\nA \\\\ stays one.\n\
         # TYPE polder_up gauge\n\
         polder_up{daemon=\"proxy\"} 1\n\
         # HELP polder_requests_total Requests.\n\
         # TYPE polder_requests_total counter\n\
         polder_requests_total{daemon=\"proxy\",service=\"www\",code=\"2xx\"} 12345\n\
         polder_requests_total{daemon=\"proxy\",service=\"a\\\"b\\\\c\\nd\"} 0\n"
    );
}
