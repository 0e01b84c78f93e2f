//! How wide what is shown may be.

use crate::verbs::layout;

/// How wide lines may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) all: usize,
    /// Of a finding, which `grep` should see whole.
    pub(super) finding: usize,
}

impl Columns {
    /// So many for all.
    #[cfg(test)]
    pub(super) fn of(width: usize) -> Columns {
        Columns { all: width, finding: width }
    }

    /// Those of where it is printed.
    pub(super) fn here() -> Columns {
        Columns { all: layout::width(), finding: layout::width_of_lines() }
    }
}
