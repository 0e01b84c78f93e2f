//! The encoders behind one face: bytes in, bytes out, flushed when asked (pure).
//!
//! How much each takes, whatever the response: gzip 300 KB, Brotli and zstd each less than 2 MB, by the windows set here.

use std::io::{self, Write};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use zstd::stream::raw::CParameter;

use crate::config::proxy::Algorithm;

/// A fifth of the time of the default level, for nine tenths of what it saves.
const GZIP: u32 = 4;

/// The levels up to here are made for content that is compressed as it is asked for.
const BROTLI: i32 = 4;

/// Bits of the window: how far back what is repeated is found. Twice that many bytes, and the tables beside them, are what an encoder
/// takes.
const BROTLI_WINDOW: i32 = 18;

const ZSTD: i32 = 3;
const ZSTD_WINDOW: u32 = 18;

/// What an encoder of Brotli hands on at a time.
const BROTLI_BUFFER: usize = 4096;

/// One response's encoder.
pub enum Encoder {
    /// gzip.
    Gzip(GzEncoder<Vec<u8>>),
    /// Brotli; its state is large.
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    /// zstd.
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// Of a response that begins.
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    pub fn new(algorithm: Algorithm) -> io::Result<Encoder> {
        Ok(match algorithm {
            Algorithm::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP))),
            Algorithm::Brotli => {
                let params =
                    BrotliEncoderParams { quality: BROTLI, lgwin: BROTLI_WINDOW, ..BrotliEncoderParams::default() };
                Encoder::Brotli(Box::new(CompressorWriter::with_params(Vec::new(), BROTLI_BUFFER, &params)))
            }
            Algorithm::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD)?;
                encoder.set_parameter(CParameter::WindowLog(ZSTD_WINDOW))?;
                Encoder::Zstd(encoder)
            }
        })
    }

    /// Takes content. What comes of it may come later.
    ///
    /// # Errors
    ///
    /// The encoder is broken.
    pub fn push(&mut self, content: &[u8]) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.write_all(content),
            Encoder::Brotli(encoder) => encoder.write_all(content),
            Encoder::Zstd(encoder) => encoder.write_all(content),
        }
    }

    /// Has all that was taken come out, so that the visitor can read it.
    ///
    /// # Errors
    ///
    /// The encoder is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Brotli(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
        }
    }

    /// What has come out; whoever takes it empties it.
    pub fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Brotli(encoder) => encoder.get_mut(),
            Encoder::Zstd(encoder) => encoder.get_mut(),
        }
    }

    /// Ends the content, and gives the rest of what comes out.
    ///
    /// # Errors
    ///
    /// The encoder is broken.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Brotli(encoder) => Ok(encoder.into_inner()),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
