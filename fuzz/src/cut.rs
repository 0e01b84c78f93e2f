//! How an input comes in reads.

/// The sizes of the reads, from one byte of the input.
pub struct Cuts(Option<fastrand::Rng>);

impl Cuts {
    /// Reads of 1 to 24 bytes, the same for the same seed.
    pub fn new(seed: u8) -> Cuts {
        Cuts(Some(fastrand::Rng::with_seed(seed.into())))
    }

    /// One read.
    pub fn whole() -> Cuts {
        Cuts(None)
    }

    /// The size of the next read, at least 1.
    pub fn next(&mut self) -> usize {
        // A size that no input has, and that can be added to a position.
        self.0.as_mut().map_or(1 << 32, |random| random.usize(1..=24))
    }
}
