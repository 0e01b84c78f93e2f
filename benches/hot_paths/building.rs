//! What a change costs off the hot path: a large zone read, a snapshot built.

use std::fmt::Write as _;
use std::io::Write as _;

use criterion::Criterion;
use polder::dns::compiled::compile;
use tempfile::NamedTempFile;

use crate::samples;

/// Of the large zone, besides its SOA and NS.
pub const RECORDS: usize = 100_000;

pub fn measure(criterion: &mut Criterion) {
    measure_zone(criterion);
    measure_snapshot(criterion);
}

/// A zone of [`RECORDS`] addresses under as many names.
pub fn write_zone() -> NamedTempFile {
    let mut text = String::from("$ORIGIN example.net.\n$TTL 3600\n@ SOA ns1 hostmaster 1 2h 20m 2w 10m\n@ NS ns1\n");
    text.push_str("ns1 A 192.0.2.1\n");
    for n in 0..RECORDS {
        let [_, a, b, c] = (n as u32).to_be_bytes();
        writeln!(text, "host-{n} A 10.{a}.{b}.{c}").expect("a String takes everything");
    }
    let mut file = NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(text.as_bytes()).expect("it can be written");
    file
}

fn measure_zone(criterion: &mut Criterion) {
    let file = write_zone();
    let mut group = criterion.benchmark_group("a zone of 100,000 records");
    group.sample_size(10);
    group.bench_function("read and check", |bencher| bencher.iter(|| samples::load_zone(file.path())));
    let zones = [samples::load_zone(file.path())];
    group.bench_function("compile", |bencher| {
        bencher.iter(|| compile("dns.json".as_ref(), &zones, &Default::default()));
    });
}

fn measure_snapshot(criterion: &mut Criterion) {
    let prepared = samples::prepared(100, 20, r#""mode": "stateless""#);
    let health = samples::all_up(&prepared);
    let first = samples::snapshot(&prepared, &health, None);
    let mut group = criterion.benchmark_group("a snapshot of 100 services x 20 backends");
    group.bench_function("after another", |bencher| {
        bencher.iter(|| samples::snapshot(&prepared, &health, Some(&first)));
    });
    group.bench_function("the first", |bencher| bencher.iter(|| samples::snapshot(&prepared, &health, None)));
}
