//! "did you mean": the known word that an unknown one was probably meant to be (pure).

use strsim::osa_distance;

/// The nearest of `known`, if it is near enough to be a slip of the finger: one edit for words of up to four letters,
/// two for longer ones; an edit is a letter inserted, left out, replaced, or swapped with its neighbour. Case and the choice
/// between `-` and `_` count for nothing. A number was probably meant to be itself: none is near to it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let word = folded(word);
    let allowed = if word.chars().count() <= 4 { 1 } else { 2 };
    known
        .into_iter()
        .map(|candidate| (osa_distance(&word, &folded(candidate)), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean px-1?`, to stand behind what is not known; nothing if none of `known` is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
}

fn folded(word: &str) -> String {
    word.chars().take(64).map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests;
