//! Vectors of many mebibytes whose memory goes back to the kernel when they are dropped.
//!
//! An allocator keeps what is freed for what comes next: after a large zone was reloaded, several times its size. What is larger
//! than 32 MiB glibc maps for itself, whatever came before (mallopt(3), `M_MMAP_THRESHOLD`), and unmaps when it is freed; other
//! allocators do so with less. So a vector that is to be large reserves that much at once. Pages that are never touched take
//! address space and no memory.

/// From how many bytes on a vector is large: what is freed in smaller pieces hardly adds up.
const LARGE: usize = 256 << 10;

/// More bytes than any allocator keeps.
const APART: usize = 33 << 20;

/// Makes room for so many more elements, as [`Vec::reserve`] does. To be called before each growth of a vector that may become
/// large.
pub fn reserve<T>(vector: &mut Vec<T>, additional: usize) {
    let needed = vector.len() + additional;
    if needed <= vector.capacity() {
        return;
    }
    let mut capacity = needed.max(2 * vector.capacity());
    if capacity * size_of::<T>() >= LARGE {
        capacity = capacity.max(APART / size_of::<T>());
    }
    vector.reserve_exact(capacity - vector.len());
}

/// An empty vector with room for so many elements.
pub fn vector<T>(capacity: usize) -> Vec<T> {
    let mut vector = Vec::new();
    reserve(&mut vector, capacity);
    vector
}
