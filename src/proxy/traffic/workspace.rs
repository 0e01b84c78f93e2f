//! The memory a request is served in. A connection has one only from the first byte of a request to the last of its
//! response, so that idle connections hold none.

use super::alarm::Alarms;
use super::http1::buffer::Buffer;
use super::message::fields::Field;
use crate::proxy::edge::headers::Values;

/// A buffer that a long head made larger than this is not kept.
const LARGEST_SPARE: usize = 16 * 1024;

/// All of it, by who borrows it while a request is served.
#[derive(Default)]
pub struct Workspace {
    /// The request's head, unchanged while it is served.
    pub head: Vec<u8>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The client's side.
    pub client: ClientBuffers,
    /// The backend's side.
    pub backend: BackendBuffers,
    /// The header fields that the response gets.
    pub values: Values,
    /// Where the request has none of a connection's own.
    pub alarms: Alarms,
}

/// Bytes between us and the client.
#[derive(Default)]
pub struct ClientBuffers {
    /// What the client sent after the head.
    pub input: Buffer,
    /// On its way to the client.
    pub output: Vec<u8>,
}

/// Bytes between us and a backend.
#[derive(Default)]
pub struct BackendBuffers {
    /// What the backend sent.
    pub input: Buffer,
    /// The fields of the head that it sent last.
    pub fields: Vec<Field>,
    /// On its way to the backend.
    pub output: Vec<u8>,
}

impl BackendBuffers {
    /// Forgets what an attempt left.
    pub fn clear(&mut self) {
        self.input.clear();
        self.output.clear();
    }
}

impl Workspace {
    /// Moves the head, the first `length` bytes of the input, to where it stays until the request is over.
    pub fn set_head_apart(&mut self, length: usize) {
        let Workspace { head, client: ClientBuffers { input, .. }, .. } = self;
        head.clear();
        head.extend_from_slice(&input.filled()[..length]);
        input.consume(length);
    }

    /// Empties it for another request, unless it has become too large to be kept.
    pub fn reset(&mut self) -> bool {
        self.head.clear();
        self.client.input.clear();
        self.client.output.clear();
        self.backend.clear();
        let backend = self.backend.input.capacity();
        let buffers = [self.head.capacity(), backend, self.client.output.capacity(), self.values.capacity()];
        buffers.into_iter().all(|capacity| capacity <= LARGEST_SPARE)
    }
}
