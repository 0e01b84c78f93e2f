//! `polder drill`: every failure promise, put to the test before a person's eyes.

mod progress;
mod table;

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::LocalSet;

use super::exit::Exit;
use super::output::Output;
use crate::config::near_miss::did_you_mean;
use crate::demo::drill::rows::{self, ROWS, Row};
use crate::demo::drill::{self, Options, Outcome, Pace};
use crate::demo::store;
use crate::demo::{Error, Programs};
use progress::Progress;

/// Requests a second, and as many queries: some more than the 500 of each that the promises speak of.
const RATE: u32 = 600;
/// The same where time is not judged: what a busy machine still gets done.
const UNTIMED_RATE: u32 = 60;

/// `polder drill`.
#[derive(Debug, Clone, clap::Args)]
pub struct DrillArgs {
    /// Play these rows only (see --list)
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    pub only: Vec<String>,
    /// List the rows and what they promise, and play none
    #[arg(long)]
    pub list: bool,
    /// Break the promise of this row on purpose: the drill must say so and exit 1
    #[arg(long, value_name = "ROW", hide = true)]
    pub sabotage: Option<String>,
    /// Leave the fleet's folder (documents, state, logs) behind and say where it is
    #[arg(long)]
    pub keep: bool,
    /// Judge everything but the bounds on time: for a machine that is too busy to keep them
    #[arg(long)]
    pub untimed: bool,
    /// Requests a second, and as many queries a second
    #[arg(long, hide = true, value_parser = clap::value_parser!(u32).range(10..=5000))]
    pub rate: Option<u32>,
}

/// Plays the rows. 0: every promise was kept; 1: one was broken; 2: there is no such row; 3: it could not run.
pub fn run(args: DrillArgs, output: &Output) -> Exit {
    let rows = match selected_rows(&args) {
        Ok(rows) => rows,
        Err(message) => return output.refuse(&message, Exit::Usage),
    };
    if args.list {
        output.answer(&rows.iter().map(|row| described(row)).collect::<Vec<_>>(), &table::list(&rows));
        return Exit::Done;
    }
    let (rows, left_out): (Vec<&Row>, Vec<&Row>) =
        rows.into_iter().partition(|row| row.needs.is_none_or(store::is_installed));
    if rows.is_empty() {
        return output.could_not(&table::left_out(&left_out));
    }
    let (pace, usual_rate) = if args.untimed { (Pace::Untimed, UNTIMED_RATE) } else { (Pace::Timed, RATE) };
    let rate = args.rate.unwrap_or(usual_rate);
    let options = Options { rows, sabotage: args.sabotage, rate, keep: args.keep, pace };
    let start = Instant::now();
    match play(&options, output) {
        Ok(outcomes) => report(&outcomes, &left_out, pace, start.elapsed(), output),
        Err(error) => output.could_not(&error),
    }
}

fn selected_rows(args: &DrillArgs) -> Result<Vec<&'static Row>, String> {
    let find = |name: &String| {
        rows::by_name(name).ok_or_else(|| {
            let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
            let meant = did_you_mean(name, known);
            format!("the drill has no row {name:?}{meant}; `polder drill --list` shows all")
        })
    };
    if let Some(sabotage) = &args.sabotage {
        find(sabotage)?;
    }
    if args.only.is_empty() { Ok(ROWS.to_vec()) } else { args.only.iter().map(find).collect() }
}

fn play(options: &Options, output: &Output) -> Result<Vec<Outcome>, Error> {
    let programs = Programs::beside_this_one()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let progress = Progress::start(options.rows.len(), output.is_json());
        tokio::select! {
            outcomes = drill::run(&programs, options, |step| progress.show(&step)) => outcomes,
            () = super::demo::interrupted() => Err(Error::new("interrupted")),
        }
    })
}

fn report(outcomes: &[Outcome], left_out: &[&Row], pace: Pace, took: Duration, output: &Output) -> Exit {
    let kept = outcomes.iter().all(|outcome| outcome.judgement.kept);
    let value = json!({
        "kept": kept,
        "timed": pace == Pace::Timed,
        "took_s": (took.as_secs_f64() * 10.0).round() / 10.0,
        "rows": outcomes.iter().map(|outcome| {
            let mut row = described(outcome.row);
            row["kept"] = outcome.judgement.kept.into();
            row["reasons"] = json!(outcome.judgement.reasons);
            row["figures"] = json!(outcome.judgement.figures);
            row
        }).collect::<Vec<_>>(),
        "left_out": left_out.iter().map(|row| described(row)).collect::<Vec<_>>(),
    });
    let mut text = table::results(outcomes, pace, took);
    if !left_out.is_empty() {
        text.push_str(&table::left_out(left_out));
        text.push('\n');
    }
    output.answer(&value, &text);
    if kept { Exit::Done } else { Exit::No }
}

fn described(row: &Row) -> serde_json::Value {
    let bound_ms = |times| (row.bound)(times).map(|bound| bound.as_millis() as u64);
    json!({
        "row": row.name,
        "broken": row.broken,
        "promise": row.promise,
        "needs": row.needs,
        "bound_ms": bound_ms(&crate::demo::documents::Times::SCALED),
        "bound_at_defaults_ms": bound_ms(&crate::demo::documents::Times::DEFAULT),
    })
}
