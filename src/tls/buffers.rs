//! Buffers for bytes on their way, lent by the thread to the connections that need one at the moment.

use std::cell::RefCell;

/// A record of the largest size, with its frame (RFC 8446, 5.2), and the beginning of the next one. A client's first message
/// has to fit too.
pub const SIZE: usize = 18 * 1024;

/// A buffer that has grown beyond what one write takes is not kept.
const LARGEST_SPARE: usize = 80 * 1024;

/// Buffers that a thread keeps for the next connection.
const SPARE: usize = 64;

thread_local! {
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that come in at the end and leave at the front. Has memory only while there are some.
#[derive(Default)]
pub struct Queue {
    /// Of length [`SIZE`] or more, or without memory.
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Queue {
    /// What is in it.
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    /// The same, to be changed in place.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.begin..self.end]
    }

    /// There is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    /// Room for `wanted` bytes behind what is in it, at least, and all that there is without more memory.
    pub fn room(&mut self, wanted: usize) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = SPARES.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; SIZE]);
        }
        if self.bytes.len() - self.end < wanted {
            self.bytes.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
            let least = self.end + wanted;
            if self.bytes.len() < least {
                self.bytes.resize(least, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes of the room have been filled.
    pub fn add(&mut self, count: usize) {
        self.end += count;
    }

    /// So many bytes at the front are done with.
    pub fn remove(&mut self, count: usize) {
        self.begin += count;
        if self.is_empty() {
            self.release();
        }
    }

    /// Gives the memory back, if there is nothing in it.
    pub fn release(&mut self) {
        if !self.is_empty() {
            return;
        }
        (self.begin, self.end) = (0, 0);
        let bytes = std::mem::take(&mut self.bytes);
        if (SIZE..=LARGEST_SPARE).contains(&bytes.len()) {
            // At the end of the thread there may be nobody to lend it to.
            let _ = SPARES.try_with(|spares| {
                let mut spares = spares.borrow_mut();
                if spares.len() < SPARE {
                    spares.push(bytes);
                }
            });
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.begin = self.end;
        self.release();
    }
}
