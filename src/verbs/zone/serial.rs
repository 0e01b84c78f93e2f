//! `zone serial`: whether a zone's nameservers serve what its file has.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hickory_proto::op::ResponseCode;
use serde::Serialize;

use super::source::{self, refuse};
use crate::config::dns::Checks;
use crate::health::dns_query::{Question, Response, Transport};
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, Table, Tone, cell, toned};
use crate::zone::number::rtype;
use crate::zone::serial::is_newer;

/// The arguments of `zone serial`.
#[derive(Debug, Clone, clap::Args)]
pub struct SerialArgs {
    /// The zone, such as example.net
    pub zone: String,
    /// Its file; `-` is standard input; none: the one named ZONE.zone or ZONE in this folder, unless --at asks for nameservers alone
    pub file: Option<PathBuf>,
    /// A nameserver that is asked, as 192.0.2.53 or 192.0.2.53:5353 (may be repeated)
    #[arg(long, value_name = "ADDRESS", value_parser = nameserver)]
    pub at: Vec<SocketAddr>,
}

/// The port of nameservers (RFC 1035, 4.2).
const PORT: u16 = 53;

fn nameserver(text: &str) -> Result<SocketAddr, Error> {
    let bare = text.parse().map(|address| SocketAddr::new(address, PORT));
    bare.or_else(|_| text.parse()).map_err(|_| {
        Error::new("expected an address, such as 192.0.2.53, or one with a port, such as [2001:db8::53]:5353")
    })
}

#[derive(Debug, Serialize)]
struct Place {
    place: String,
    serial: Option<u32>,
    /// Why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn run(args: &SerialArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match source::zone_name(&args.zone) {
        Ok(zone) => zone,
        Err(message) => return Ok(output.refuse(&message, Exit::Usage)),
    };
    let mut places = Vec::new();
    let file = match &args.file {
        Some(file) => Some(file.clone()),
        None if args.at.is_empty() => Some(source::look_for(&zone, Path::new("."), source::BESIDE_IT)?),
        None => None,
    };
    if let Some(file) = file {
        match source::load(&zone, &file, Checks::Lenient)? {
            Ok(loaded) => {
                places.push(Place { place: file.display().to_string(), serial: loaded.serial(), error: None });
            }
            Err(findings) => return Ok(refuse(&findings, Exit::CouldNot, output)),
        }
    }
    places.extend(args.at.iter().map(|server| asked(*server, &zone)));
    let is_same = places.iter().all(|place| place.serial.is_some() && place.serial == places[0].serial);
    output.answer(&serde_json::json!({ "zone": zone, "places": places }), &table(&places));
    Ok(if is_same { Exit::Done } else { Exit::No })
}

fn asked(server: SocketAddr, zone: &str) -> Place {
    let response = Question::new(zone, rtype::SOA).and_then(|question| question.ask(server, Transport::Udp));
    let (serial, error) = match response {
        // From a resolver's cache: what its nameservers serve it does not say.
        Ok(Response { serial: Some(_), authoritative: false, .. }) => {
            (None, Some("it answers without authority".to_owned()))
        }
        Ok(Response { serial: Some(serial), .. }) => (Some(serial), None),
        Ok(Response { code: ResponseCode::NoError, .. }) => (None, Some("it does not serve the zone".to_owned())),
        Ok(Response { code, .. }) => (None, Some(format!("it answers {code}"))),
        Err(error) => (None, Some(error.to_string())),
    };
    Place { place: server.to_string(), serial, error }
}

/// The newest is what the others should have.
fn table(places: &[Place]) -> String {
    let known = places.iter().filter_map(|place| place.serial);
    let newest = known.reduce(|newest, serial| if is_newer(serial, newest) { serial } else { newest });
    let mut table = Table::new(&["WHERE", "SERIAL", ""]);
    for Place { place, serial, error } in places {
        let said = match (serial, error) {
            (Some(serial), _) if Some(*serial) == newest => cell(""),
            (Some(_), _) => toned("is behind", Tone::Bad),
            (None, error) => toned(error.as_deref().unwrap_or("no SOA"), Tone::Bad),
        };
        let serial = serial.map_or_else(|| "-".to_owned(), |serial| serial.to_string());
        table.row(vec![cell(place), cell(serial), said]);
    }
    table.render()
}
