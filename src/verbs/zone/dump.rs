//! `zone dump`: a zone with nothing left to work out.

use serde_json::json;

use super::source::{self, ZoneArg, refuse};
use crate::config::dns::Checks;
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;
use crate::zone::name::to_absolute_text;
use crate::zone::text;

/// The arguments of `zone dump`.
#[derive(Debug, Clone, clap::Args)]
pub struct DumpArgs {
    #[command(flatten)]
    /// Which zone.
    pub zone: ZoneArg,
}

pub(super) fn run(args: &DumpArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match source::zone_name(&args.zone.zone) {
        Ok(zone) => zone,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let file = args.zone.file(&zone)?;
    let loaded = match source::load(&zone, &file, Checks::Lenient)? {
        Ok(loaded) => loaded,
        Err(findings) => return Ok(refuse(&findings, Exit::No, output)),
    };
    let records = loaded.in_order();
    if output.is_json() {
        let records = records.iter().map(|record| {
            json!({
                "name": to_absolute_text(record.owner), "ttl": record.ttl, "type": text::type_name(record.rtype),
                "data": text::data(record),
            })
        });
        output.answer(&json!({ "zone": zone, "records": records.collect::<Vec<_>>() }), "");
    } else {
        let lines: String = records.iter().map(|record| text::line(record) + "\n").collect();
        output.answer(&json!({}), &lines);
    }
    Ok(Exit::Done)
}
