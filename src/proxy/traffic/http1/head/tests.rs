use super::*;

#[test]
fn a_head_ends_at_its_empty_line_wherever_the_reads_are_cut() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    for cut in 0..head.len() {
        let mut scan = Scan::default();
        let first = scan.next(&head[..cut]);
        let end = head.len() - 4;
        if cut < end {
            assert_eq!(first, Scanned::Incomplete, "cut at {cut}");
            assert_eq!(scan.next(head), Scanned::Complete(end), "cut at {cut}");
        } else {
            assert_eq!(first, Scanned::Complete(end), "cut at {cut}");
        }
    }
}

#[test]
fn a_bare_lf_is_told_at_once() {
    for head in [&b"\n"[..], b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\n", b"GET / HTTP/1.1\r\n\n"] {
        assert_eq!(Scan::default().next(head), Scanned::BareLf, "{head:?}");
    }
}
