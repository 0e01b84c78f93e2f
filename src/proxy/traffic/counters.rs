//! What each worker counts. A counter is written by one thread alone and read by all.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::proxy::Algorithm;
use crate::proxy::snapshot::BackendCounters;

/// One worker's counts.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct WorkerCounters {
    /// The generation of the snapshot that it answers from.
    pub generation: AtomicU64,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections refused at `limits.connections`, those told so with a 503 included.
    pub refused: AtomicU64,
    /// Connections refused at `limits.connections_per_address`.
    pub refused_by_address: AtomicU64,
    /// Connections closed for the sake of others.
    pub evicted: AtomicU64,
    /// Connections that could be closed for the sake of others now.
    pub evictable: AtomicU64,
    /// Headers of the PROXY protocol that were read.
    pub proxy_headers: AtomicU64,
    /// Connections closed at listeners that ask for such a header: from elsewhere, or without a good one in time.
    pub proxy_headers_refused: AtomicU64,
    /// Handshakes of TLS that ended well.
    pub handshakes: AtomicU64,
    /// Those of them that have resumed a session.
    pub handshakes_resumed: AtomicU64,
    /// Handshakes closed for newer ones at `limits.tls_handshakes`.
    pub handshakes_evicted: AtomicU64,
    /// Handshakes that were refused, or not ended within `timeouts.tls_handshake`.
    pub handshakes_failed: AtomicU64,
    /// Those of them that were refused because the visitor's certificate was not good.
    pub untrusted_certificates: AtomicU64,
    /// Requests refused because the visitor had shown no certificate (403).
    pub without_certificate: AtomicU64,
    /// Connections on which HTTP/2 was spoken.
    pub http2_connections: AtomicU64,
    /// Connections of HTTP/2 that were closed because their client sent more than any client needs.
    pub http2_floods: AtomicU64,
    /// Requests of visitors.
    pub requests: AtomicU64,
    /// Requests that ask whether the proxy is ready.
    pub probes: AtomicU64,
    /// Those of them that came over HTTP/2.
    pub http2_requests: AtomicU64,
    /// Requests refused as malformed (400, 408, 413, 414, 431, 501, 505).
    pub malformed: AtomicU64,
    /// Requests for which no service is known (404).
    pub unrouted: AtomicU64,
    /// Requests for which no backend was usable (503).
    pub unavailable: AtomicU64,
    /// Requests that were sent elsewhere by their service.
    pub redirected: AtomicU64,
    /// Requests that got the answer of their service.
    pub answered: AtomicU64,
    /// Requests for files of a folder.
    pub files: AtomicU64,
    /// Those of them whose file could not be had, though it may be there.
    pub files_failed: AtomicU64,
    /// Pages of services sent in place of the proxy's words.
    pub error_pages: AtomicU64,
    /// Attempts made again on another backend or connection.
    pub retries: AtomicU64,
    /// Copies of requests sent to a second backend while the first had not answered.
    pub hedges: AtomicU64,
    /// Those of them whose response the visitor got.
    pub hedges_won: AtomicU64,
    /// Copies that were not sent: no other backend was free, or the budget was spent.
    pub hedges_left_out: AtomicU64,
    /// Requests that waited for a verdict.
    pub waited: AtomicU64,
    /// Responses that were compressed, by algorithm.
    pub compressions: [CompressionCounters; Algorithm::ALL.len()],
    /// Responses that were not, because `limits.compressions` was reached.
    pub compressions_left_out: AtomicU64,
    /// Tunnels opened.
    pub tunnels: AtomicU64,
    /// Bytes of bodies and tunnels that were passed on within the kernel.
    pub spliced_bytes: AtomicU64,
}

/// Of one algorithm of compression.
#[derive(Debug, Default)]
pub struct CompressionCounters {
    /// Responses that were compressed by it, as far as they came.
    pub responses: AtomicU64,
    /// Bytes of their content.
    pub bytes_in: AtomicU64,
    /// Bytes that became of them.
    pub bytes_out: AtomicU64,
}

impl CompressionCounters {
    /// Counts a response.
    pub fn count(&self, bytes_in: u64, bytes_out: u64) {
        add(&self.responses, 1);
        add(&self.bytes_in, bytes_in);
        add(&self.bytes_out, bytes_out);
    }
}

/// Adds to a count that only this thread writes: a load and a store, no locked instruction.
pub fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

/// Bytes of content on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// By way of our memory.
    Copied(u64),
    /// Within the kernel.
    Spliced(u64),
}

impl Passed {
    /// How many.
    pub fn bytes(self) -> u64 {
        let (Passed::Copied(bytes) | Passed::Spliced(bytes)) = self;
        bytes
    }
}

/// Counts bytes that are passed on, by this worker from or to this backend.
pub fn add_passed(worker: &WorkerCounters, backend: Option<&AtomicU64>, passed: Passed) {
    if let Passed::Spliced(bytes) = passed {
        add(&worker.spliced_bytes, bytes);
    }
    if let Some(count) = backend {
        add(count, passed.bytes());
    }
}

/// Counts a request as running on a backend for as long as it lives.
pub struct Running<'b>(Option<&'b BackendCounters>);

impl<'b> Running<'b> {
    /// Begins to count.
    pub fn new(counters: Option<&'b BackendCounters>) -> Running<'b> {
        if let Some(counters) = counters {
            add(&counters.running, 1);
        }
        Running(counters)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            let running = counters.running.load(Ordering::Relaxed);
            counters.running.store(running.saturating_sub(1), Ordering::Relaxed);
        }
    }
}

/// Counts a response that was cut short.
pub fn count_aborted(counters: Option<&BackendCounters>) {
    if let Some(counters) = counters {
        add(&counters.aborted, 1);
    }
}
