//! Valid documents broken at random: never a panic, and always an answer that an operator can act on.

use std::path::Path;

use fastrand::Rng;
use serde_json::{Value, json};

use polder::config::{Findings, dns, proxy};

const ROUNDS: usize = 3_000;

const PROXIES: [&str; 2] = [include_str!("../data/config/proxy.json"), include_str!("../data/config/proxy-usual.json")];
const NAMESERVERS: [&str; 2] = [include_str!("../data/config/dns.json"), include_str!("../data/config/dns-usual.json")];

/// Either it is accepted, or there are findings, each with a line of the document, in its order.
fn check<T>(result: Result<T, Findings>, text: &str, seed: u64) {
    let Err(Findings(findings)) = result else { return };
    let lines: Vec<u32> = findings.iter().filter_map(|finding| finding.line).collect();
    let last = u32::try_from(text.split('\n').count()).unwrap();
    assert!(
        !lines.is_empty()
            && lines.len() == findings.len()
            && lines.is_sorted()
            && lines.iter().all(|line| (1..=last).contains(line))
            && findings.iter().all(|finding| !finding.message.is_empty() && !finding.message.contains('\n')),
        "seed {seed}: {findings:?}\nof {text}"
    );
}

fn check_both(text: &str, seed: u64) {
    check(proxy::parse(Path::new("proxy.json"), text), text, seed);
    check(dns::parse(Path::new("dns.json"), text), text, seed);
}

#[test]
fn random_bytes_in_a_document_never_panic_and_every_finding_has_a_line() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for round in 0..ROUNDS {
        let documents = if round % 2 == 0 { PROXIES } else { NAMESERVERS };
        let mut bytes = documents[random.usize(..2)].as_bytes().to_vec();
        for _ in 0..random.usize(1..4) {
            mutate_bytes(&mut bytes, &mut random);
        }
        check_both(&String::from_utf8_lossy(&bytes), seed);
    }
}

fn mutate_bytes(bytes: &mut Vec<u8>, random: &mut Rng) {
    if bytes.is_empty() {
        return bytes.push(random.u8(..));
    }
    let at = random.usize(..bytes.len());
    let until = (at + random.usize(1..40)).min(bytes.len());
    match random.u8(..5) {
        0 => bytes[at] = random.u8(..),
        1 => bytes.insert(at, *random.choice(b"{}[],:\"\\0-. \n/#\0\xc3").unwrap()),
        2 => drop(bytes.drain(at..until)),
        3 => {
            let copied = bytes[at..until].to_vec();
            let to = random.usize(..bytes.len());
            bytes.splice(to..to, copied);
        }
        _ => bytes.truncate(at),
    }
}

#[test]
fn random_values_in_a_document_never_panic_and_every_finding_has_a_line() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for round in 0..ROUNDS {
        let documents = if round % 2 == 0 { PROXIES } else { NAMESERVERS };
        let mut document: Value = serde_json::from_str(documents[random.usize(..2)]).unwrap();
        for _ in 0..random.usize(1..4) {
            mutate_value(&mut document, &mut random);
        }
        let text = if random.bool() { document.to_string() } else { serde_json::to_string_pretty(&document).unwrap() };
        check_both(&text, seed);
    }
}

/// Walks to a random value and replaces it, takes it away, or gives it another key.
fn mutate_value(value: &mut Value, random: &mut Rng) {
    let inside = match value {
        Value::Object(entries) if !entries.is_empty() => {
            let key = entries.keys().nth(random.usize(..entries.len())).unwrap().clone();
            match random.u8(..10) {
                0 => return drop(entries.remove(&key)),
                1 => {
                    let moved = entries.remove(&key).unwrap();
                    return drop(entries.insert(format!("{key}{}", random.alphanumeric()), moved));
                }
                _ => entries.get_mut(&key).unwrap(),
            }
        }
        Value::Array(values) if !values.is_empty() => {
            let index = random.usize(..values.len());
            match random.u8(..10) {
                0 => return drop(values.remove(index)),
                1 => return values.push(values[index].clone()),
                _ => &mut values[index],
            }
        }
        _ => {
            *value = strange_value(random);
            return;
        }
    };
    match random.u8(..8) {
        0 => *inside = strange_value(random),
        _ => mutate_value(inside, random),
    }
}

fn strange_value(random: &mut Rng) -> Value {
    let strange = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("/"),
        json!("."),
        json!("*."),
        json!("[::]:80"),
        json!("0.0.0.0:80"),
        json!("::ffff:192.0.2.1"),
        json!("18446744073709551615d"),
        json!("10ms"),
        json!("tcp"),
        json!("stateful"),
        json!("sealed"),
        json!("example.net."),
        json!("ß\u{0}\n\u{1f600}"),
        json!("a".repeat(300)),
        json!([]),
        json!({}),
        json!([[]]),
        json!({ "": { "": 1 } }),
    ];
    strange[random.usize(..strange.len())].clone()
}
