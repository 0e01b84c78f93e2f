//! How many files a worker has open for visitors: each takes a descriptor for as long as its visitor takes to read it, and over HTTP/2 a
//! visitor has many requests on the one connection that is counted.

use std::cell::Cell;
use std::rc::Rc;

/// Those of a worker.
#[derive(Debug, Default)]
pub struct OpenFiles(Rc<Cell<usize>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct OpenFile(Rc<Cell<usize>>);

impl OpenFiles {
    /// One more; none: there are `most`.
    pub fn take(&self, most: usize) -> Option<OpenFile> {
        let taken = self.0.get();
        (taken < most).then(|| {
            self.0.set(taken + 1);
            OpenFile(Rc::clone(&self.0))
        })
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
