//! "did you mean": the known word that an unknown one was probably meant to be (pure).

/// The nearest of `known`, if it is near enough to be a slip of the finger: one edit for words of up to four letters,
/// two for longer ones; an edit is a letter inserted, left out, replaced, or swapped with its neighbour. Case and the choice
/// between `-` and `_` count for nothing.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let allowed = if word.len() <= 4 { 1 } else { 2 };
    known
        .into_iter()
        .map(|candidate| (edits(&word, &folded(candidate)), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Vec<char> {
    word.chars().take(64).map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() }).collect()
}

/// The optimal string alignment distance, row by row.
fn edits(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let replaced = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests;
