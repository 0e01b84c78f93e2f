//! How far names are followed.

/// CNAMEs and DNAMEs followed for one query. Longer chains are answered as far as this goes; the resolver asks on.
pub(super) const CHAIN: usize = 8;
