//! Every input of the corpora, and from them on at random for a bounded number of inputs. `SEED` repeats a run, `ROUNDS` makes it
//! longer. An input that fails is printed, so that it can become a test beside the code.

use std::path::Path;
use std::{env, fs, panic};

/// Random inputs a target, unless `ROUNDS` says otherwise.
const ROUNDS: usize = 500;

/// The longest random input. Longer ones in a corpus are replayed as they are.
const LONGEST: usize = 4096;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    paths.sort();
    let corpus: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("it can be read")).collect();
    assert!(corpus.len() >= 3, "{}: only {} inputs", folder.display(), corpus.len());
    for (input, path) in corpus.iter().zip(&paths) {
        hold(check, input, &path.display().to_string());
    }

    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..));
    let rounds = number("ROUNDS").map_or(ROUNDS, |rounds| rounds as usize);
    println!("SEED={seed} for {rounds} random inputs");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..rounds {
        let input = changed(&corpus, &mut random);
        hold(check, &input, &format!("SEED={seed}, random input {round}"));
    }
}

fn hold(check: fn(&[u8]), input: &[u8], origin: &str) {
    if let Err(why) = panic::catch_unwind(|| check(input)) {
        eprintln!("{origin}: b\"{}\"", input.escape_ascii());
        panic::resume_unwind(why);
    }
}

/// An input of the corpus with some bytes changed, put in, taken out, or with a piece of another one.
fn changed(corpus: &[Vec<u8>], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut input = corpus[random.usize(..corpus.len())].clone();
    input.truncate(LONGEST);
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=input.len());
        let until = (at + random.usize(..16)).min(input.len());
        match random.u8(..6) {
            0 if at < input.len() => input[at] = random.u8(..),
            1 if at < input.len() => input[at] ^= 1 << random.u8(..8),
            2 => input.insert(at, random.u8(..)),
            3 => drop(input.drain(at..until)),
            4 => {
                let piece = input[at..until].to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                let other = &corpus[random.usize(..corpus.len())];
                let from = random.usize(..=other.len());
                let piece = other[from..(from + random.usize(..64)).min(other.len())].to_vec();
                input.splice(at..at, piece);
            }
        }
    }
    input
}

macro_rules! targets {
    ($($target:ident),* $(,)?) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), polder_fuzz::$target::check);
        })*

        #[test]
        fn every_corpus_has_its_target() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
            let names = fs::read_dir(folder).expect("there are corpora").map(|entry| entry.expect("it can be listed").file_name());
            let mut names: Vec<_> = names.map(|name| name.into_string().expect("a name in ASCII")).collect();
            names.sort();
            assert_eq!(names, [$(stringify!($target)),*]);
        }
    };
}

targets![
    chunked_body,
    cookies,
    dns_message,
    documents,
    failover,
    gate_request,
    http1_request,
    http1_response,
    import_caddy,
    import_haproxy,
    peers_letter,
    zone_text,
];
