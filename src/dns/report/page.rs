//! `GET /`: the status as a page to look at.

use std::fmt::Write;

use crate::api::dns::Status;
use crate::printable::html as escape;

/// Renders the page. Nothing on it is believed to be harmless: every text is escaped.
pub fn render(status: &Status) -> String {
    let mut body = String::new();
    let state = if status.daemon.draining {
        "draining"
    } else if status.daemon.ready {
        "ready"
    } else {
        "not ready"
    };
    for alarm in &status.daemon.alarms {
        append(&mut body, format_args!("<p class=alarm>{}</p>", escape(alarm)));
    }
    body.push_str("<table><tr><th>pool<th>member<th>address<th>operator<th>check<th>reason<th>answered</tr>");
    for pool in &status.pools {
        for member in &pool.members {
            for address in &member.addresses {
                append(
                    &mut body,
                    format_args!(
                        "<tr><td>{}<td>{}<td>{}<td>{}<td class={check}>{check}<td>{}<td>{}</tr>",
                        escape(&pool.name),
                        escape(&member.name),
                        escape(&address.address),
                        member.operator,
                        escape(&address.check_reason),
                        if address.answered { "yes" } else { "no" },
                        check = address.check,
                    ),
                );
            }
        }
    }
    body.push_str("</table><table><tr><th>zone<th>serial<th>records<th>served from</tr>");
    for zone in &status.zones {
        let name = escape(&zone.name);
        let from = if zone.copy_because.is_some() { "<td class=alarm>its last good copy" } else { "<td>its file" };
        append(&mut body, format_args!("<tr><td>{name}<td>{}<td>{}{from}</tr>", zone.serial, zone.records));
    }
    for zone in &status.failed_zones {
        let name = escape(&zone.name);
        append(&mut body, format_args!("<tr><td>{name}<td><td><td class=alarm>SERVFAIL</tr>"));
    }
    body.push_str("</table>");
    for challenge in &status.challenges {
        let (name, proxy) = (escape(&challenge.name), escape(&challenge.proxy));
        append(&mut body, format_args!("<p>{name} answers {} ACME challenges of {proxy}</p>", challenge.values));
    }
    format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=5>\
         <title>{name}</title><style>body{{font:15px sans-serif;margin:2em}}table{{border-collapse:collapse;margin:1em 0}}\
         td,th{{border:1px solid #999;padding:.3em .6em;text-align:left}}.down,.alarm{{color:#b00}}.up{{color:#070}}</style>\
         <h1>nameserver {name}</h1><p>{state}; polder {version}; generation {generation}; {queries} queries answered; \
         up {uptime} s</p>{body}</html>",
        name = escape(&status.daemon.name),
        version = escape(&status.daemon.version),
        generation = status.daemon.generation,
        queries = status.queries,
        uptime = status.daemon.uptime_s,
    )
}

/// Writing to a string cannot fail.
fn append(body: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = body.write_fmt(text);
}

#[cfg(test)]
mod tests;
