use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;

use super::*;
use crate::config::dns::Checks;
use crate::dns::compiled::{PoolOwners, Zone, compile_zone};
use crate::zone::{self, name};

/// A label of few letters, so that many begin alike; some are longer than what a number holds.
fn label(rng: &mut Rng) -> String {
    let letters = ["a", "B", "b", "0", "-x", "\\000", "\\255"];
    (0..rng.usize(1..12)).map(|_| *rng.choice(&letters).unwrap()).collect()
}

fn zone(rng: &mut Rng) -> Zone {
    let mut text = "$TTL 300\n@ SOA ns host 1 3600 600 86400 300\n@ NS ns.elsewhere.test.\n".to_owned();
    for _ in 0..rng.usize(1..60) {
        let below = if rng.u8(..3) == 0 { format!("{}.", label(rng)) } else { String::new() };
        text += &format!("x{}.{below}{} TXT t\n", label(rng), label(rng));
        text += &format!("{} TXT t\n", label(rng));
    }
    let file = zone::parse("example.net", Path::new("z"), text.as_bytes(), Checks::Lenient).unwrap();
    let pools = BTreeMap::new();
    compile_zone(&file, &PoolOwners::new(Path::new("dns.json"), vec![file.apex.clone()], &pools).unwrap()).unwrap()
}

#[test]
fn the_last_name_before_one_that_is_not_there_is_found_by_numbers_as_by_names() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    eprintln!("SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    for _ in 0..300 {
        let plain = zone(&mut rng);
        let ordered = Zone { order: Some(Arc::new(Order::new(&plain.names, &plain.apex))), ..plain.clone() };
        let labels = (0..50).map(|_| label(&mut rng)).chain(["*".to_owned()]);
        for text in labels {
            let absent = name::from_text(&format!("{text}.example.net")).unwrap();
            if plain.by_name(&name::lower(&absent)).is_some() {
                continue;
            }
            let label = name::labels(&absent).next().unwrap();
            let before = plain.nodes().filter(|node| name::compare(node.name(), &absent).is_lt()).last().unwrap();
            let found = [&plain, &ordered].map(|zone| zone.last_before(label, zone.node(0)));
            assert_eq!(found, [before.id(); 2], "{text}");
        }
    }
}
