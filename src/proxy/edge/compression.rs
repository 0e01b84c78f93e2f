//! Which responses are compressed for which visitors (RFC 9110, 8.4 and 12.5.3).

use crate::config::proxy::{Algorithm, CompressionConfig};
use crate::proxy::accept::{MOST, read_weight};

/// Never compressed, whatever the document says: what comes event by event, and what has its own compression (gRPC).
const NEVER: [&[u8]; 2] = [b"text/event-stream", b"application/grpc"];

/// A weight of RFC 9110, 12.4.2, in thousandths.
type Weight = u16;

/// The rules of a service.
#[derive(Debug)]
pub struct Compression(pub CompressionConfig);

impl Compression {
    /// Whether content of this type and length is worth it; a length that is not known before may be any. `content_type` as its field
    /// says it.
    pub fn suits(&self, content_type: &[u8], length: Option<u64>) -> bool {
        let Compression(config) = self;
        let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_never = |never: &&[u8]| {
            media_type.get(..never.len()).is_some_and(|front| {
                front.eq_ignore_ascii_case(never) && matches!(media_type.get(never.len()), None | Some(b'+' | b'-'))
            })
        };
        length.is_none_or(|length| length >= config.min_size)
            && config.types.iter().any(|range| range.has(media_type))
            && !NEVER.iter().any(is_never)
    }

    /// The algorithm for a visitor who has said this of what he accepts: that which he likes best, and of equals the first of ours. None:
    /// he accepts none, likes content better as it is, or has said nothing.
    pub fn choose<'f>(&self, accept_encoding: impl Iterator<Item = &'f [u8]>) -> Option<Algorithm> {
        let mut accepted = Accepted::default();
        accept_encoding.flat_map(|list| list.split(|byte| *byte == b',')).for_each(|element| accepted.hear(element));
        let mut best: Option<(Algorithm, Weight)> = None;
        for algorithm in &self.0.algorithms {
            let weight = accepted.weight(*algorithm);
            if weight > best.map_or(0, |(_, weight)| weight) {
                best = Some((*algorithm, weight));
            }
        }
        best.filter(|(_, weight)| accepted.identity.is_none_or(|identity| identity <= *weight)).map(|(best, _)| best)
    }
}

/// What a visitor accepts.
#[derive(Default)]
struct Accepted {
    named: [Option<Weight>; Algorithm::ALL.len()],
    any: Option<Weight>,
    identity: Option<Weight>,
}

impl Accepted {
    /// Takes note of one coding and its weight.
    fn hear(&mut self, element: &[u8]) {
        let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(weight_of).unwrap_or(MOST);
        let place = match name {
            b"*" => &mut self.any,
            _ if name.eq_ignore_ascii_case(b"identity") => &mut self.identity,
            _ => {
                // RFC 9110, 8.4.1.3.
                let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
                let is_named = |algorithm: &Algorithm| name.eq_ignore_ascii_case(algorithm.name().as_bytes());
                match Algorithm::ALL.iter().position(is_named) {
                    Some(place) => &mut self.named[place],
                    None => return,
                }
            }
        };
        place.get_or_insert(weight);
    }

    fn weight(&self, algorithm: Algorithm) -> Weight {
        self.named[algorithm as usize].or(self.any).unwrap_or(0)
    }
}

/// The weight that a parameter states, if it does; 0 for one that is malformed.
fn weight_of(parameter: &[u8]) -> Option<Weight> {
    let (b'q' | b'Q', value) = parameter.split_first()? else { return None };
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    Some(read_weight(value).unwrap_or(0))
}

#[cfg(test)]
mod tests;
