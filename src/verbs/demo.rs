//! `polder demo`: a whole fleet on loopback, to look at and to break.

mod announce;
mod changes;
mod operate;
mod picture;
mod screen;
mod view;

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

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
    /// What to do to a part of the running demo; without it, the demo is started
    #[arg(requires = "part")]
    pub action: Option<Action>,
    /// The part: px-1 to px-3, ns-1, ns-2, web1 to web3, shop1 to shop3
    pub part: Option<String>,
}

/// Starts the demo, or changes the running one.
pub fn run(args: DemoArgs, output: &Output) -> Exit {
    match (args.action, args.part) {
        (Some(action), Some(name)) => on_runtime(output, ask(Request { action, name }, output)),
        _ => on_runtime(output, start(output)),
    }
}

fn on_runtime(output: &Output, work: impl Future<Output = Result<Exit, Error>>) -> Exit {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| LocalSet::new().block_on(&runtime, work));
    outcome.unwrap_or_else(|error| output.could_not(&error))
}

async fn ask(request: Request, output: &Output) -> Result<Exit, Error> {
    let file = demo_file::place();
    let Some(demo) = demo_file::read(&file).map_err(Error::new)? else {
        return Err(Error::new(demo_file::not_running(&file)));
    };
    let reply = control::ask(&demo.control, &request).await?;
    match &reply {
        Reply::Done(done) => output.answer(&reply, &format!("{done}\n")),
        Reply::Error(error) => return Ok(output.refuse(error, Exit::No)),
    }
    Ok(Exit::Done)
}

async fn start(output: &Output) -> Result<Exit, Error> {
    let programs = Programs::beside_this_one()?;
    announce::refuse_second()?;
    let mut fleet = tokio::select! {
        fleet = Fleet::start(&programs, Times::DEMO, |_, _| {}) => fleet?,
        () = interrupted() => return Ok(Exit::Done),
    };
    let (sender, requests) = mpsc::channel(4);
    let socket = fleet.folder().join("control.sock");
    control::listen(&socket, sender)?;
    let announcement = Announcement::write(&fleet, &socket)?;
    let load =
        Load::start(fleet.visitors(RATE, 20, 10, Timeouts::SCALED)?).map_err(Error::io("the visitors cannot begin"))?;
    let mut view = View::new(&fleet, load, announce::text(&fleet));
    let screen = Screen::open(output.is_json());
    live(&mut fleet, &mut view, screen, requests, &programs.polder).await;
    drop(view);
    drop(announcement);
    fleet.stop().await;
    Ok(Exit::Done)
}

/// Draws, and does what keys and other terminals ask for, until a key or a signal ends it.
async fn live(
    fleet: &mut Fleet,
    view: &mut View,
    mut screen: Screen,
    mut requests: mpsc::Receiver<PendingRequest>,
    polder: &Path,
) {
    // A verb may take a while: what breaks meanwhile is shown meanwhile.
    let mut verbs = JoinSet::new();
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
            Some(Ok(said)) = verbs.join_next() => view.note("operator", said),
            key = screen.key() => match key {
                Key::Quit => return,
                Key::Help => {
                    view.toggle_help(true);
                }
                _ if view.toggle_help(false) => {}
                Key::Escape => return,
                Key::Other => {}
                Key::Verb(verb) => {
                    let (polder, part) = (polder.to_owned(), view.selected().to_owned());
                    verbs.spawn_local(async move { verb.run(&polder, &part).await });
                }
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
