//! `top`: what the fleet is doing now: requests, errors and times of each service, queries of each zone, again and again.
//!
//! Each daemon is asked by a task of its own, and told of as it stands when a frame is due: none holds up another one. What is shown
//! is the difference of a daemon's last two readings over the time between them by its own clock.

mod numbers;
mod rates;
mod screen;
mod table;
mod totals;
mod watched;

use std::io::IsTerminal;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::args::{DaemonsArg, parse_duration};
use super::daemons::Selection;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::layout;
use super::output::Output;
use crate::api::client::ClientError;
use crate::api::counters::{Counters, PATH};
use crate::push::error::Error;
use crate::unix_time::unix_ms;
use screen::{Key, Screen};
use table::{Order, Table};
use totals::Totals;
use watched::Watched;

/// What `top` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "REQ/S are the requests that were over; 5XX/S those answered 5xx, by the proxy itself or by a backend. P50 and P99 are the times that half and 99 % of them did not exceed: from a request's first byte to its response's last (WHOLE), waiting for a check's verdict or a busy backend, of those that waited (WAITS), from a request sent to the head of the backend's response (BACKEND). They are reckoned from histograms whose bounds lie a factor of 2 to 2.5 apart, and are off by no more than that. RUNNING are requests that backends are answering now. A daemon that was restarted or taken over counts anew, and is told of from the second reading on.

Keys: q ends it; arrows, page up and down scroll; r, e, t, n put the services with the most requests, the most errors, the longest P99 first, or sort them by name.

Exit codes: 0 done, 2 usage, 3 no daemon answered."
)]
pub struct TopArgs {
    /// The time over which everything is counted, and after which it is shown anew
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_interval, allow_hyphen_values = true)]
    pub interval: Duration,
    /// Show it once and end
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(100);

fn parse_interval(text: &str) -> Result<Duration, Error> {
    match parse_duration(text)? {
        too_short if too_short < SHORTEST => Err(Error::new(format!("expected at least 100ms, found {text}"))),
        interval => Ok(interval),
    }
}

/// What a daemon has answered; which one it is.
type News = (usize, Result<Counters, Error>);

/// Asks the daemons again and again, and shows what lies between.
pub async fn run(args: &TopArgs, selection: &Selection, output: &Output) -> Exit {
    let (sender, mut news) = mpsc::unbounded_channel();
    for (place, daemon) in selection.daemons.iter().enumerate() {
        tokio::spawn(ask_again(place, daemon.clone(), args.interval, sender.clone()));
    }
    let mut fleet: Vec<Watched> = selection.daemons.iter().map(|daemon| Watched::new(daemon, Instant::now())).collect();
    let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if is_terminal && !args.once && !output.is_json() {
        return match Screen::open() {
            Ok(screen) => watch(screen, &mut fleet, &mut news, args.interval).await,
            Err(error) => output.could_not(&format!("the terminal cannot be drawn on: {error}; --once needs none")),
        };
    }
    settle(&mut fleet, &mut news, args.interval).await;
    if fleet.iter().all(Watched::is_silent) {
        let why: Vec<String> = fleet.iter().filter_map(Watched::complaint).collect();
        return output.could_not(&format!("no daemon has answered: {}", why.join("; ")));
    }
    let mut ticks = interval(args.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        while let Ok((place, answer)) = news.try_recv() {
            fleet[place].take(answer, Instant::now());
        }
        fleet.iter_mut().for_each(|one| one.look(Instant::now(), args.interval));
        let totals = Totals::of(&fleet);
        if !output.is_json() {
            let table =
                Table { totals: &totals, interval: args.interval, order: Order::Requests, width: layout::width() };
            output.answer(&(), &table.text());
            return whole(&fleet);
        }
        let is_read = output.line_is_read(&totals.json(unix_ms(), args.interval));
        if args.once {
            return whole(&fleet);
        }
        if !is_read {
            return Exit::Done;
        }
    }
}

/// Whether every daemon has told its part.
fn whole(fleet: &[Watched]) -> Exit {
    if fleet.iter().any(Watched::is_silent) { Exit::No } else { Exit::Done }
}

/// Until every daemon has two readings, or has failed, or has had its time.
async fn settle(fleet: &mut [Watched], news: &mut mpsc::UnboundedReceiver<News>, interval: Duration) {
    let most = fleet.iter().map(|one| one.limit).max().unwrap_or_default();
    let until = Instant::now() + interval + most;
    while !fleet.iter().all(Watched::is_settled) {
        tokio::select! {
            Some((place, answer)) = news.recv() => fleet[place].take(answer, Instant::now()),
            () = sleep_until(until) => {
                // What has not answered by now is late.
                fleet.iter_mut().for_each(|one| one.look(Instant::now(), interval));
                return;
            }
        }
    }
}

async fn watch(
    mut screen: Screen,
    fleet: &mut [Watched],
    news: &mut mpsc::UnboundedReceiver<News>,
    every: Duration,
) -> Exit {
    let mut order = Order::Requests;
    let mut ticks = interval(every.min(Duration::from_secs(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some((place, answer)) = news.recv() => {
                fleet[place].take(answer, Instant::now());
                continue;
            }
            _ = ticks.tick() => {}
            key = screen.key() => match key {
                Key::Quit => return Exit::Done,
                Key::Order(chosen) => order = chosen,
                Key::Scroll(by) => screen.scroll(by),
                Key::Resized => {}
            },
        }
        fleet.iter_mut().for_each(|one| one.look(Instant::now(), every));
        let table = Table { totals: &Totals::of(fleet), interval: every, order, width: screen.width() };
        if screen.draw(&table).is_err() {
            return Exit::Done;
        }
    }
}

/// Ends when nobody listens any more.
async fn ask_again(place: usize, daemon: Endpoint, every: Duration, news: mpsc::UnboundedSender<News>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if news.send((place, ask(&daemon).await)).is_err() {
            return;
        }
    }
}

async fn ask(daemon: &Endpoint) -> Result<Counters, Error> {
    let answer = daemon.get(PATH).await.map_err(|error| match error {
        ClientError::Refused { status: 404, .. } => {
            Error::new("it is of an earlier version of polder, which does not tell what it has counted")
        }
        ClientError::Late { .. } => Error::new("no answer in time"),
        other => Error::new(other),
    })?;
    serde_json::from_value(answer)
        .map_err(|error| Error::new(format!("what it has counted is of another version of polder: {error}")))
}

#[cfg(test)]
mod tests;
