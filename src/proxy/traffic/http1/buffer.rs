//! Bytes that were read and not yet used.
//!
//! A buffer has memory only while there is something in it: a connection that waits holds none. The memory of empty ones is kept
//! for the next one that is filled by the same thread.

use std::cell::RefCell;

/// What one read takes at most, and what a buffer holds unless a longer head makes it grow.
pub const SIZE: usize = 16 * 1024;

/// Pieces of memory, each of [`SIZE`], that a thread keeps for buffers to come.
const MOST_SPARE: usize = 64;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer between a socket and a parser: filled at the end, used up at the front.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// What was read and is not used up.
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Nothing is left to use.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes are left to use.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Uses up `count` bytes at the front.
    pub fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Room to read into; empty when [`SIZE`] bytes (or what [`Buffer::hold`] asked for) are waiting to be used.
    pub fn space(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        }
        self.hold(SIZE);
        if self.start > 0 && self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// Says that `count` bytes of [`Buffer::space`] were filled.
    pub fn advance(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Makes the buffer able to hold at least `size` bytes.
    pub fn hold(&mut self, size: usize) {
        if self.bytes.len() < size {
            self.bytes.resize(size, 0);
        }
    }

    /// Lets go of its memory, if it is empty.
    pub fn release(&mut self) {
        if !self.is_empty() || self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        // A thread that ends has no place for it any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if bytes.len() == SIZE && spare.len() < MOST_SPARE {
                spare.push(bytes);
            }
        });
    }

    /// How much it can hold without more memory.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.clear();
        self.release();
    }
}

#[cfg(test)]
mod tests;
