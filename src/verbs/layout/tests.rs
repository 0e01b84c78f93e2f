use super::*;
use crate::verbs::output::Tone;

#[test]
fn text_goes_on_in_the_next_line_below_its_beginning() {
    assert_eq!(wrapped("! ", "one two three four", 2, 12), "! one two\n  three four\n");
    assert_eq!(wrapped("", "one", 2, 12), "one\n");
}

#[test]
fn a_word_that_is_longer_than_a_line_is_broken_and_nothing_of_it_is_lost() {
    assert_eq!(wrapped("! ", "at 0123456789abcdef end", 2, 10), "! at\n  01234567\n  89abcdef\n  end\n");
}

#[test]
fn no_line_is_too_long_and_every_letter_is_there_whatever_the_text() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2_000 {
        let words: Vec<String> = (0..random.usize(0..12)).map(|_| "ä".repeat(random.usize(0..50))).collect();
        let (text, first, width) = (words.join(" "), "-".repeat(random.usize(0..6)), random.usize(20..90));
        let shown = wrapped(&first, &text, random.usize(0..8), width);
        assert!(shown.lines().all(|line| columns(line) <= width), "{width}: {shown}");
        let bare = |text: &str| text.replace([' ', '\n'], "");
        assert_eq!(bare(&shown), first + &bare(&text));
    }
}

#[test]
fn colours_take_no_room() {
    let painted = Tone::Bad.paint("down");
    assert_eq!(columns(&painted), 4);
    assert_eq!(wrapped("", &format!("{painted} {painted}"), 0, 20), format!("{painted} {painted}\n"));
}

#[test]
fn a_line_is_clipped_without_counting_colours() {
    assert_eq!(clipped("abcdef", 3), "abc");
    assert_eq!(clipped("\u{1b}[31mabcdef\u{1b}[0m", 3), "\u{1b}[31mabc\u{1b}[0m");
}
