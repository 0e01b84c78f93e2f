use super::*;

/// The second statement: a plain list, changed the slow way.
#[test]
fn it_is_the_list_of_those_who_joined_and_did_not_leave() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut queue, mut plain) = (EvictionQueue::default(), Vec::new());
    for _ in 0..20_000 {
        let number = random.usize(..20);
        plain.retain(|other| *other != number);
        if random.bool() {
            queue.push(number);
            plain.push(number);
        } else {
            queue.remove(number);
        }
        assert_eq!((queue.iter().collect::<Vec<_>>(), queue.len()), (plain.clone(), plain.len()));
    }
}
