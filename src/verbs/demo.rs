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

use super::args::Common;
use super::demo_file;
use super::exit::Exit;
use super::output::Output;
use crate::demo::control::{self, PendingRequest, Reply, Request};
use crate::demo::documents::Times;
use crate::demo::fleet::{Action, Fleet};
use crate::demo::visitor::Timeouts;
use crate::demo::visitor::load::Load;
use crate::demo::{Error, Programs};
use announce::Announcement;
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
    /// Kill a part (SIGKILL) as if its host were gone
    Kill(PartArgs),
    /// Freeze a part (SIGSTOP): connections open and nothing answers
    Freeze(PartArgs),
    /// Make a part well again
    Mend(PartArgs),
    /// Stop a daemon (SIGTERM) as an operator does
    Stop(PartArgs),
    /// Crash a part and start it again; a daemon's listening sockets are kept
    Restart(PartArgs),
    /// Start a new process that takes over from a daemon, as an upgrade does
    Takeover(PartArgs),
    /// Make a daemon read its document again
    Reload(PartArgs),
    /// Make a backend answer every request with status 500
    #[command(name = "500")]
    Failing(PartArgs),
    /// Make a backend answer later than its check waits
    Slow(PartArgs),
}

/// A part of the demo.
#[derive(Debug, Clone, clap::Args)]
struct PartArgs {
    /// px-1 to px-3, ns-1, ns-2, web1 to web3, shop1 to shop3
    name: String,
}

/// Starts the demo, or changes the running one.
pub fn run(args: DemoArgs, common: &Common) -> ExitCode {
    let output = Output::new(common.json);
    let (action, part) = match args.verb {
        None => return on_runtime(&output, start(&output)).into(),
        Some(DemoVerb::Kill(part)) => (Action::Kill, part),
        Some(DemoVerb::Freeze(part)) => (Action::Freeze, part),
        Some(DemoVerb::Mend(part)) => (Action::Mend, part),
        Some(DemoVerb::Stop(part)) => (Action::Stop, part),
        Some(DemoVerb::Restart(part)) => (Action::Restart, part),
        Some(DemoVerb::Takeover(part)) => (Action::Takeover, part),
        Some(DemoVerb::Reload(part)) => (Action::Reload, part),
        Some(DemoVerb::Failing(part)) => (Action::Failing, part),
        Some(DemoVerb::Slow(part)) => (Action::Slow, part),
    };
    on_runtime(&output, ask(Request { action, name: part.name }, &output)).into()
}

fn on_runtime(output: &Output, work: impl Future<Output = Result<Exit, Error>>) -> Exit {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, work));
    outcome.unwrap_or_else(|error| output.could_not(&error.to_string()))
}

async fn ask(request: Request, output: &Output) -> Result<Exit, Error> {
    let file = demo_file::place();
    let Some(demo) = demo_file::read(&file).map_err(Error::new)? else {
        return Err(Error::new(demo_file::not_running(&file)));
    };
    let reply = control::ask(&demo.control, &request).await?;
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
        fleet = Fleet::start(&programs, Times::DEMO, |_, _| {}) => fleet?,
        () = interrupted() => return Ok(Exit::Done),
    };
    let mut fleet = starting;
    let (sender, requests) = mpsc::channel(4);
    let socket = fleet.folder().join("control.sock");
    control::listen(&socket, sender)?;
    let announcement = Announcement::write(&fleet, &socket)?;
    let load =
        Load::start(fleet.visitors(RATE, 20, 10, Timeouts::SCALED)).map_err(Error::io("the visitors cannot begin"))?;
    let mut view = View::new(&fleet, load, announce::text(&fleet));
    let screen = Screen::open(output.is_json());
    live(&mut fleet, &mut view, screen, requests).await;
    drop(view);
    drop(announcement);
    fleet.stop().await;
    Ok(Exit::Done)
}

/// Draws, and does what keys and other terminals ask for, until a key or a signal ends it.
async fn live(fleet: &mut Fleet, view: &mut View, mut screen: Screen, mut requests: mpsc::Receiver<PendingRequest>) {
    let mut redraw = tokio::time::interval(REDRAW);
    let ended = interrupted();
    tokio::pin!(ended);
    screen.begin(view);
    loop {
        tokio::select! {
            _ = redraw.tick() => {}
            () = &mut ended => return,
            Some((request, answer)) = requests.recv() => {
                let reply = match fleet.act(request.action, &request.name).await {
                    Ok(done) => Reply::Done(done),
                    Err(error) => Reply::Error(error.to_string()),
                };
                view.note_reply(&reply);
                let _ = answer.send(reply);
            }
            key = screen.key() => match key {
                Key::Quit => return,
                Key::Select(index) => view.select(index),
                Key::Next => view.select_next(),
                Key::Previous => view.select_previous(),
                Key::Action(action) => {
                    let name = view.selected().to_owned();
                    let reply = fleet.act(action, &name).await;
                    view.note_reply(&reply.map_or_else(|error| Reply::Error(error.to_string()), Reply::Done));
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
