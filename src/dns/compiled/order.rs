//! Where in the order of a zone's names a name would stand that is not among them: a search in few lines of memory.

use super::names::Names;
use super::rrset::NodeId;

/// How many bytes of a label a number holds.
const HELD: usize = 8;

/// Of each node, in canonical order, the beginning of the label directly below the apex, in lower case and as a number, so that numbers are in the order of
/// the names. That of the apex is 0. A search among names themselves would wait for memory at each step: twice, once for where the name is.
#[derive(Debug)]
pub(super) struct Order(Box<[u64]>);

impl Order {
    /// That of a zone's names.
    pub(super) fn new(names: &Names, apex: &[u8]) -> Order {
        let nodes = 0..names.nodes.len() as NodeId - 1;
        Order(nodes.map(|id| names.label_below(id, apex).map_or(0, number)).collect())
    }

    /// Between which nodes a label directly below the apex lies: the last one that is before it for certain, or the apex, and the first one that is not, or the
    /// number of nodes. What is between these begins like the label.
    pub(super) fn around(&self, label: &[u8]) -> (NodeId, NodeId) {
        let wanted = number(label);
        let first = self.0.partition_point(|other| *other < wanted);
        let alike = match self.0.get(first) {
            Some(other) if *other == wanted => self.0[first..].partition_point(|other| *other == wanted),
            _ => 0,
        };
        (first.saturating_sub(1) as NodeId, (first + alike) as NodeId)
    }
}

fn number(label: &[u8]) -> u64 {
    let mut bytes = [0; HELD];
    bytes.iter_mut().zip(label).for_each(|(byte, of_label)| *byte = of_label.to_ascii_lowercase());
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests;
