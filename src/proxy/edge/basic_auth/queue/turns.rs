//! Lines that take turns (pure): one after the other gives its first, however long the others are.

use std::collections::VecDeque;

/// Something that waits in order.
pub trait Line: Default {
    /// What waits.
    type Item;

    /// How many wait.
    fn len(&self) -> usize;

    /// The next that is to go on.
    fn take(&mut self) -> Option<Self::Item>;

    /// The one that is given up first where too many wait: the last of the longest line.
    fn give_up(&mut self) -> Option<Self::Item>;
}

impl<T> Line for VecDeque<T> {
    type Item = T;

    fn len(&self) -> usize {
        VecDeque::len(self)
    }

    fn take(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn give_up(&mut self) -> Option<T> {
        self.pop_back()
    }
}

/// A line for each name; none is empty.
#[derive(Debug)]
pub struct Turns<N, L> {
    /// Whose turn is next comes first.
    lines: VecDeque<(N, L)>,
}

impl<N, L> Default for Turns<N, L> {
    fn default() -> Turns<N, L> {
        Turns { lines: VecDeque::new() }
    }
}

impl<N: PartialEq, L: Line> Turns<N, L> {
    /// The line of a name, for one more to wait in. A new one has its turn after all others.
    pub fn line(&mut self, name: N) -> &mut L {
        let place = self.lines.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.lines.push_back((name, L::default()));
            self.lines.len() - 1
        });
        &mut self.lines[place].1
    }
}

impl<N, L: Line> Line for Turns<N, L> {
    type Item = L::Item;

    fn len(&self) -> usize {
        self.lines.iter().map(|(_, line)| line.len()).sum()
    }

    fn take(&mut self) -> Option<L::Item> {
        let (name, mut line) = self.lines.pop_front()?;
        let item = line.take();
        if line.len() > 0 {
            self.lines.push_back((name, line));
        }
        item
    }

    fn give_up(&mut self) -> Option<L::Item> {
        // Of lines that are as long, the one that came last.
        let longest = (0..self.lines.len()).max_by_key(|place| self.lines[*place].1.len())?;
        let line = &mut self.lines[longest].1;
        let item = line.give_up();
        if line.len() == 0 {
            self.lines.remove(longest);
        }
        item
    }
}
