//! HIP (RFC 8005, 5 and 6): algorithm, host identity tag, public key, rendezvous servers. On the wire the lengths of tag and key
//! stand before them.

use super::super::fault::Fault;
use super::super::name;
use super::super::words::Words;
use super::value::{base64, hex, number};

/// Reads the whole data.
pub fn read(words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    let algorithm: u8 = number(words.word()?, u8::MAX).map_err(|why| why.within("the algorithm"))?;
    let tag = hex(words.word().map_err(|why| why.within("the tag"))?).map_err(|why| why.within("the tag"))?;
    let key = words.word().and_then(base64).map_err(|why| why.within("the public key"))?;
    let long = |what: &str, bytes: &[u8]| format!("the {what} has {} bytes, which is too long", bytes.len());
    wire.push(u8::try_from(tag.len()).map_err(|_| long("tag", &tag))?);
    wire.push(algorithm);
    wire.extend(u16::try_from(key.len()).map_err(|_| long("public key", &key))?.to_be_bytes());
    wire.extend(tag);
    wire.extend(key);
    while !words.is_empty() {
        wire.extend(words.name(origin).map_err(|why| why.within("a rendezvous server"))?);
    }
    Ok(())
}

/// How long the data is: all of it.
pub fn measure(rest: &[u8]) -> Result<usize, Fault> {
    let Some(([tag, _, high, low], after)) = rest.split_first_chunk() else {
        return Err("the data ends too early".into());
    };
    let keyed = usize::from(*tag) + usize::from(u16::from_be_bytes([*high, *low]));
    let mut servers = after.get(keyed..).ok_or("the data ends too early")?;
    while !servers.is_empty() {
        servers = &servers[name::measure(servers)?..];
    }
    Ok(rest.len())
}
