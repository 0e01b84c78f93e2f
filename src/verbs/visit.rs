//! `visit` (hidden): the drill's visitors and its judge, for a fleet that somebody else has started and breaks.
//!
//! The NixOS tests run it on a machine of its own while they take the fleet's machines away, so that both judge by one
//! rule. It visits until it is told to stop (SIGTERM, SIGINT) and then says, as JSON, what visitors saw and whether
//! that is within the bounds given.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::task::LocalSet;

use super::args::parse_duration;
use super::exit::Exit;
use super::output::Output;
use crate::daemon::signals::Signals;
use crate::demo::drill::judge::{Bounds, Evidence, Excused, Judgement, judge};
use crate::demo::visitor::load::Load;
use crate::demo::visitor::{Plan, Site, Timeouts};

/// How long the last requests may take to end.
const ENDING: Duration = Duration::from_secs(10);

/// `polder visit`.
#[derive(Debug, Clone, clap::Args)]
pub struct VisitArgs {
    /// A nameserver, or a resolver, that the visitors ask (may be repeated)
    #[arg(long = "nameserver", value_name = "ADDRESS:PORT", required = true)]
    pub nameservers: Vec<SocketAddr>,
    /// A page that they read (may be repeated)
    #[arg(long = "site", value_name = "HOST/PATH", required = true)]
    pub sites: Vec<String>,
    /// The sites' port
    #[arg(long, default_value_t = 80)]
    pub port: u16,
    /// Requests a second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub requests: u32,
    /// Queries a second that no cache answers
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub queries: u32,
    /// How many visitors there are, each with its cookies
    #[arg(long, default_value_t = 40)]
    pub visitors: usize,
    /// The longest that no page of a site may have been served
    #[arg(long, value_parser = parse_duration)]
    pub gap: Option<Duration>,
    /// The longest that a page may have taken
    #[arg(long, value_parser = parse_duration)]
    pub wait: Option<Duration>,
    /// Sessions that may be lost
    #[arg(long, default_value_t = 0)]
    pub lost_sessions: usize,
    /// POST requests may fail: they are never sent twice
    #[arg(long)]
    pub posts_may_fail: bool,
    /// Any request through this proxy may fail
    #[arg(long, value_name = "ADDRESS")]
    pub may_fail_via: Option<IpAddr>,
}

/// Visits and judges. 0: within the bounds; 1: not; 3: it could not run.
pub fn run(args: &VisitArgs) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let judged = runtime.and_then(|runtime| LocalSet::new().block_on(&runtime, visit(args)));
    let output = Output::new(true);
    match judged {
        Ok(judgement) => {
            output.answer(&judgement, "");
            if judgement.kept { Exit::Done } else { Exit::No }
        }
        Err(error) => output.could_not(&format!("the visitors cannot begin: {error}")),
    }
}

async fn visit(args: &VisitArgs) -> std::io::Result<Judgement> {
    let mut signals = Signals::install()?;
    let mut load = Load::start(plan(args))?;
    let mut records = Vec::new();
    let stop = signals.next();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => break,
            record = load.next() => records.extend(record),
        }
    }
    let ended = load.now();
    let wanted = load.wanted_before(ended);
    load.collect(&mut records, Duration::ZERO..ended, ENDING).await;
    records.retain(|record| record.intended() < ended);
    Ok(judge(&Evidence { ended, records, wanted, bounds: bounds(args), ..Evidence::default() }))
}

fn plan(args: &VisitArgs) -> Plan {
    let site = |text: &String| match text.split_once('/') {
        Some((host, path)) => Site { host: host.to_owned(), path: format!("/{path}") },
        None => Site { host: text.clone(), path: "/".to_owned() },
    };
    Plan {
        secure: None,
        nameservers: args.nameservers.clone(),
        anchor: None,
        port: args.port,
        sites: args.sites.iter().map(site).collect(),
        requests: args.requests,
        queries: args.queries,
        visitors: args.visitors,
        resolvers: args.visitors.div_ceil(3),
        timeouts: Timeouts::SCALED,
    }
}

fn bounds(args: &VisitArgs) -> Bounds {
    let apart = |via, safe| Excused { via, backend: None, safe, wanted_before: Duration::MAX };
    let posts = args.posts_may_fail.then(|| apart(None, false));
    let via = args.may_fail_via.map(|via| apart(Some(via), true));
    // A little less than asked for is measured when the end lies between two arrivals.
    let rates = (args.requests - args.requests.div_ceil(6), args.queries - args.queries.div_ceil(6));
    Bounds {
        excused: posts.into_iter().chain(via).collect(),
        lost_sessions: args.lost_sessions,
        gap: args.gap,
        wait: args.wait,
        rates,
        ..Bounds::default()
    }
}

#[cfg(test)]
mod tests;
