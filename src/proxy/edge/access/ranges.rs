//! Networks as the ranges of addresses between which the answer changes, found by bisection (pure).

/// From the first to the last address of a network, and its place among the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<A> {
    first: A,
    last: A,
    place: u32,
}

impl<A> Span<A> {
    /// From here to there.
    pub fn new(first: A, last: A, place: u32) -> Span<A> {
        Span { first, last, place }
    }
}

/// Where each range begins, in rising order, and the rule that holds there until the next one begins.
#[derive(Debug)]
pub struct Ranges<A>(Box<[(A, Option<u32>)]>);

impl<A: Ord + Copy> Ranges<A> {
    /// Of networks, of which two are one within the other or apart from each other; of two that are the same the later one counts.
    /// `after`: the address after one, if there is any.
    pub fn new(mut spans: Vec<Span<A>>, after: impl Fn(A) -> Option<A>) -> Ranges<A> {
        // Of those that begin together the widest first.
        spans.sort_by_key(|span| (span.first, std::cmp::Reverse(span.last)));
        let mut ranges = Ranges::begin();
        // Those that the sweep is in, the most specific on top.
        let mut within: Vec<Span<A>> = Vec::new();
        for span in spans {
            ranges.leave(&mut within, |last| last < span.first, &after);
            ranges.put(span.first, Some(span.place));
            within.push(span);
        }
        ranges.leave(&mut within, |_| true, &after);
        Ranges(ranges.0.into_boxed_slice())
    }

    /// The place of the most specific network that the address is in.
    pub fn find(&self, address: A) -> Option<u32> {
        let begun = self.0.partition_point(|(start, _)| *start <= address);
        self.0.get(begun.checked_sub(1)?)?.1
    }

    fn begin() -> Growing<A> {
        Growing(Vec::new())
    }
}

/// Ranges as the sweep has found them so far.
struct Growing<A>(Vec<(A, Option<u32>)>);

impl<A: Ord + Copy> Growing<A> {
    /// A range begins; one that began at the same address has no length.
    fn put(&mut self, start: A, place: Option<u32>) {
        match self.0.last_mut() {
            Some(last) if last.0 == start => last.1 = place,
            _ => self.0.push((start, place)),
        }
    }

    /// Behind each network that is over, the one around it goes on.
    fn leave(&mut self, within: &mut Vec<Span<A>>, is_over: impl Fn(A) -> bool, after: impl Fn(A) -> Option<A>) {
        while let Some(span) = within.pop_if(|span| is_over(span.last)) {
            if let Some(start) = after(span.last) {
                self.put(start, within.last().map(|around| around.place));
            }
        }
    }
}
