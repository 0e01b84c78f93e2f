use super::*;

/// The second statement: a plain list, changed the slow way.
#[test]
fn it_is_the_list_of_those_who_joined_and_did_not_leave() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut lineup, mut plain) = (Lineup::default(), Vec::new());
    for _ in 0..20_000 {
        let number = random.usize(..20);
        plain.retain(|other| *other != number);
        if random.bool() {
            lineup.join(number);
            plain.push(number);
        } else {
            lineup.leave(number);
        }
        assert_eq!((lineup.iter().collect::<Vec<_>>(), lineup.len()), (plain.clone(), plain.len()));
    }
}
