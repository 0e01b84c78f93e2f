//! The responses of a backend that speaks HTTP/1.1.

use std::io;

use super::alarm::Alarm;
use super::http1::buffer::{Buffer, SIZE};
use super::http1::head::{Scan, Scanned};
use super::http1::response;
use super::http1_stream::Source;
use super::message::fields::Field;
use super::message::{Method, Response, ResponseHead};
use super::relay::{RelayError, ResponseSource, Task};
use super::socket::fill;
use super::transport::ReadHalf;

/// The way of a response.
pub struct ResponseReader<'s> {
    /// What the backend sends.
    source: ReadHalf<'s>,
    /// What of that was read and not used; it begins with the head that was read last.
    input: &'s mut Buffer,
    /// The fields of that head.
    fields: &'s mut Vec<Field>,
    /// How long that head is.
    length: usize,
}

impl<'s> ResponseReader<'s> {
    /// Nothing was read yet.
    pub fn new(source: ReadHalf<'s>, input: &'s mut Buffer, fields: &'s mut Vec<Field>) -> ResponseReader<'s> {
        ResponseReader { source, input, fields, length: 0 }
    }

    /// Reads until a head is whole.
    async fn read(&mut self, task: &Task<'_>, alarm: &mut Alarm) -> Result<(), RelayError> {
        let most = task.settings.limits.response_head;
        let mut scan = Scan::default();
        loop {
            match scan.next(self.input.filled()) {
                Scanned::Complete(length) if length <= most => {
                    self.length = length;
                    return Ok(());
                }
                Scanned::Complete(_) | Scanned::BareLf => return Err(RelayError::Malformed),
                Scanned::Incomplete if self.input.len() >= most => return Err(RelayError::Malformed),
                Scanned::Incomplete => {}
            }
            if self.input.len() >= SIZE {
                self.input.hold((self.input.len() * 2).min(most.max(SIZE)));
            }
            match fill(&mut self.source, self.input, alarm, || task.until()).await {
                Ok(0) => return Err(RelayError::NoResponse),
                Ok(_) => task.begin_to_answer(),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(task.timed_out()),
                Err(_) => return Err(RelayError::NoResponse),
            }
        }
    }
}

impl<'s> ResponseSource for ResponseReader<'s> {
    type Body = Source<'s>;

    async fn head(&mut self, task: &Task<'_>, alarm: &mut Alarm) -> Result<ResponseHead, RelayError> {
        self.read(task, alarm).await?;
        let to_head = task.request.head.class == Method::Head;
        let bytes = &self.input.filled()[..self.length];
        response::vet(bytes, to_head, self.fields).map_err(|_| RelayError::Malformed)
    }

    fn response<'r>(&'r self, head: &'r ResponseHead) -> Response<'r> {
        Response { head, bytes: &self.input.filled()[..self.length], fields: self.fields }
    }

    fn forget_head(&mut self) {
        self.input.consume(std::mem::take(&mut self.length));
    }

    fn into_body(self, head: &ResponseHead) -> Source<'s> {
        self.input.consume(self.length);
        Source::new(self.source, self.input, head.body)
    }

    fn keeps_connection(body: &Source<'s>, head: &ResponseHead) -> bool {
        head.keeps_alive() && body.is_used_up()
    }
}
