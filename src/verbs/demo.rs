//! `polder demo`: a whole fleet on loopback, to look at and to break.

mod announce;
mod changes;
mod screen;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::output::Output;
use super::{Common, Exit, demo_file};
use crate::api::daemon::Daemon;
use crate::demo::control::{self, Order, Ordered, Reply};
use crate::demo::documents::{STATEFUL_HOST, STATELESS_HOST, Times};
use crate::demo::fleet::{Deed, Fleet};
use crate::demo::visitor::load::Load;
use crate::demo::visitor::{Patience, Plan, Site};
use crate::demo::{Error, Programs};
use announce::Announced;
use screen::{Key, Screen};
use view::View;

/// Requests a second of the demo's visitors, and as many queries.
const RATE: u32 = 60;
/// How often the live view is drawn again.
const REDRAW: Duration = Duration::from_millis(500);

/// `polder demo`.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    verb: Option<DemoVerb>,
}

/// What another terminal can do to the running demo.
#[derive(Debug, Clone, clap::Subcommand)]
enum DemoVerb {
    /// End a part at once, as if its host had gone
    Kill(PartArgs),
    /// Stop a part without ending it: connections open and nothing answers
    Freeze(PartArgs),
    /// Make a part well again
    Mend(PartArgs),
    /// Stop a daemon as an operator does
    Stop(PartArgs),
    /// Crash a part and start it again; a daemon's listening sockets are kept
    Restart(PartArgs),
    /// Let a new process take over from a daemon
    Takeover(PartArgs),
    /// Let a daemon read its document again
    Reload(PartArgs),
    /// Let a backend answer 500
    #[command(name = "500")]
    Failing(PartArgs),
    /// Let a backend answer late
    Slow(PartArgs),
}

/// A part of the demo.
#[derive(Debug, Clone, clap::Args)]
struct PartArgs {
    /// px-1 to px-3, ns-1, ns-2, web1 to web3, shop1 to shop3
    name: String,
}

/// Starts the demo, or tells the running one what to do.
pub fn run(args: DemoArgs, common: &Common) -> ExitCode {
    let output = Output::new(common.json);
    let (deed, part) = match args.verb {
        None => return on_runtime(&output, start(&output)).into(),
        Some(DemoVerb::Kill(part)) => (Deed::Kill, part),
        Some(DemoVerb::Freeze(part)) => (Deed::Freeze, part),
        Some(DemoVerb::Mend(part)) => (Deed::Mend, part),
        Some(DemoVerb::Stop(part)) => (Deed::Stop, part),
        Some(DemoVerb::Restart(part)) => (Deed::Restart, part),
        Some(DemoVerb::Takeover(part)) => (Deed::Takeover, part),
        Some(DemoVerb::Reload(part)) => (Deed::Reload, part),
        Some(DemoVerb::Failing(part)) => (Deed::Failing, part),
        Some(DemoVerb::Slow(part)) => (Deed::Slow, part),
    };
    on_runtime(&output, tell(Order { deed, name: part.name }, &output)).into()
}

fn on_runtime(output: &Output, work: impl Future<Output = Result<Exit, Error>>) -> Exit {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, work));
    outcome.unwrap_or_else(|error| output.could_not(&error.to_string()))
}

async fn tell(order: Order, output: &Output) -> Result<Exit, Error> {
    let file = demo_file::place();
    let Some(demo) = demo_file::read(&file).map_err(Error)? else {
        return Err(Error(format!(
            "no demo is running ({} is not there); start one with `polder demo`",
            file.display()
        )));
    };
    let reply = control::order(&demo.control, &order).await?;
    let (words, exit) = match &reply {
        Reply::Done(done) => (done.clone(), Exit::Done),
        Reply::Error(error) => (error.clone(), Exit::No),
    };
    output.answer(&reply, &format!("{words}\n"));
    Ok(exit)
}

async fn start(output: &Output) -> Result<Exit, Error> {
    let programs = Programs::beside_this_one()?;
    announce::refuse_second()?;
    let starting = tokio::select! {
        fleet = Fleet::start(&programs, Times::SCALED, |_, _| {}) => fleet?,
        () = interrupted() => return Ok(Exit::Done),
    };
    let mut fleet = starting;
    let (tell, orders) = mpsc::channel(4);
    let socket = fleet.folder().join("control.sock");
    control::listen(&socket, tell)?;
    let announced = Announced::write(&fleet, &socket)?;
    let load = Load::start(plan(&fleet)).map_err(|error| Error(format!("the visitors cannot begin: {error}")))?;
    let mut view = View::new(&fleet, load, announce::text(&fleet));
    let screen = Screen::open(output.is_json());
    live(&mut fleet, &mut view, screen, orders).await;
    drop(view);
    drop(announced);
    fleet.stop().await;
    Ok(Exit::Done)
}

/// Draws, obeys keys and orders, until it is told to end.
async fn live(fleet: &mut Fleet, view: &mut View, mut screen: Screen, mut orders: mpsc::Receiver<Ordered>) {
    let mut redraw = tokio::time::interval(REDRAW);
    let ended = interrupted();
    tokio::pin!(ended);
    screen.begin(view);
    loop {
        tokio::select! {
            _ = redraw.tick() => {}
            () = &mut ended => return,
            Some((order, answer)) = orders.recv() => {
                let reply = match fleet.act(order.deed, &order.name).await {
                    Ok(done) => Reply::Done(done),
                    Err(error) => Reply::Error(error.to_string()),
                };
                view.happened(&reply);
                let _ = answer.send(reply);
            }
            key = screen.key() => match key {
                Key::Quit => return,
                Key::Select(index) => view.select(index),
                Key::Next => view.select_next(),
                Key::Previous => view.select_previous(),
                Key::Deed(deed) => {
                    let name = view.selected().to_owned();
                    let reply = fleet.act(deed, &name).await;
                    view.happened(&reply.map_or_else(|error| Reply::Error(error.to_string()), Reply::Done));
                }
            },
        }
        view.refresh(fleet);
        screen.draw(view);
    }
}

/// SIGINT, SIGTERM or SIGHUP.
pub(super) async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

fn plan(fleet: &Fleet) -> Plan {
    Plan {
        nameservers: (0..fleet.of_role(Daemon::Nameserver).count()).map(|n| fleet.addresses.nameserver(n)).collect(),
        port: fleet.addresses.http_port(),
        sites: vec![
            Site { host: STATELESS_HOST.to_owned(), path: "/".to_owned() },
            Site { host: STATEFUL_HOST.to_owned(), path: "/session".to_owned() },
        ],
        requests: RATE,
        queries: RATE,
        visitors: 20,
        resolvers: 10,
        patience: Patience::SCALED,
    }
}
