//! What a request and a query cost inside the daemons, without a socket: `cargo bench`. How to read it: benches/README.md.

mod building;
mod choosing;
mod heads;
mod names;
mod samples;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    choosing::measure(&mut criterion);
    heads::measure(&mut criterion);
    names::measure(&mut criterion);
    building::measure(&mut criterion);
    criterion.final_summary();
}
