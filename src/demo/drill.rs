//! The drill: breaks every part of a fleet under load, row by row, and judges each promise.
//!
//! [`rows`] say what is broken, who must notice within which bound and what visitors may see; [`stage`] does it and
//! collects the evidence; [`observe`] asks the daemons for their status; [`judge`](mod@judge) gives the verdict, from plain data
//! alone. Printing is the business of `verbs::drill`, which is called with every step.

pub mod judge;
pub mod observe;
pub mod rows;
pub mod stage;

use std::path::Path;
use std::time::{Duration, Instant};

use super::documents::Times;
use super::fleet::Fleet;
use super::visitor::Timeouts;
use super::visitor::load::Load;
use super::{Error, Programs};
use judge::{Judgement, judge};
use rows::Row;
use stage::Stage;

/// How many visitors the drill has.
const VISITORS: usize = 120;
/// How many resolvers they share.
const RESOLVERS: usize = 40;
/// Time for visitors to begin their sessions before the first row.
const WARM_UP: Duration = Duration::from_millis(1500);

/// What a drill is to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The rows, in order.
    pub rows: Vec<&'static Row>,
    /// The row whose promise is broken on purpose.
    pub sabotage: Option<String>,
    /// Requests a second, and as many queries.
    pub rate: u32,
    /// Leave the fleet's folder with its documents and logs behind.
    pub keep: bool,
    /// Whether the bounds on time are judged.
    pub pace: Pace,
}

/// Whether a drill judges how long things took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every bound of a promise is judged. The machine must have time for the fleet and its visitors.
    Timed,
    /// Everything is judged except the bounds on time, and no visitor gives up early: a verdict that holds on a machine as busy as
    /// can be. A failure is excused by what it was sent to and by what had been noticed then, as in a timed drill.
    Untimed,
}

impl Pace {
    /// The fleet's times.
    fn times(self) -> Times {
        match self {
            Pace::Timed => Times::SCALED,
            Pace::Untimed => Times::GENEROUS,
        }
    }

    /// The visitors' time limits.
    fn timeouts(self) -> Timeouts {
        match self {
            Pace::Timed => Timeouts::SCALED,
            Pace::Untimed => Timeouts::GENEROUS,
        }
    }
}

/// A step of a drill, for whoever shows its progress.
#[derive(Debug)]
pub enum Step<'a> {
    /// The fleet is being started.
    Starting,
    /// The fleet is ready, after this time.
    Started(Duration),
    /// The folder that is left behind.
    Keeps(&'a Path),
    /// A row begins.
    Begins(&'static Row),
    /// A row has been judged.
    Judged(&'static Row, &'a Judgement),
}

/// One row's outcome.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The row.
    pub row: &'static Row,
    /// Its verdict.
    pub judgement: Judgement,
}

/// Starts a fleet and plays the rows, one after the other. Must be called within a `LocalSet`, on the thread that lives as long as
/// the fleet does.
///
/// # Errors
///
/// The drill could not run. A promise that was broken is no error but an [`Outcome`].
pub async fn run(
    programs: &Programs,
    options: &Options,
    mut report: impl FnMut(Step<'_>),
) -> Result<Vec<Outcome>, Error> {
    report(Step::Starting);
    let start = Instant::now();
    let mut fleet = Fleet::start(programs, options.pace.times(), |_, _| {}).await?;
    if options.keep {
        report(Step::Keeps(fleet.keep_folder()));
    }
    report(Step::Started(start.elapsed()));
    let visitors = fleet.visitors(options.rate, VISITORS, RESOLVERS, options.pace.timeouts())?;
    let load = Load::start(visitors).map_err(Error::io("the visitors cannot begin"))?;
    // A little less than asked for is measured where a row begins or ends between two arrivals.
    let needed = options.rate - options.rate / 6;
    let mut stage = Stage::new(fleet, load, (needed, needed), VISITORS, options.pace == Pace::Untimed);
    let outcome = play(&mut stage, options, &mut report).await;
    stage.close().await;
    outcome
}

async fn play(stage: &mut Stage, options: &Options, report: &mut impl FnMut(Step<'_>)) -> Result<Vec<Outcome>, Error> {
    stage.well().await?;
    stage.observe(WARM_UP).await;
    let mut outcomes = Vec::new();
    for &row in &options.rows {
        report(Step::Begins(row));
        let judgement = play_row(stage, row, options).await?;
        report(Step::Judged(row, &judgement));
        outcomes.push(Outcome { row, judgement });
    }
    Ok(outcomes)
}

async fn play_row(stage: &mut Stage, row: &'static Row, options: &Options) -> Result<Judgement, Error> {
    stage.home().await?;
    if let Some(prepare) = row.prepare {
        prepare(stage).await?;
    }
    stage.begin(options.sabotage.as_deref() == Some(row.name));
    (row.play)(stage).await?;
    stage.sabotage().await?;
    stage.mend().await?;
    let evidence = stage.end().await;
    Ok(judge(&match options.pace {
        Pace::Timed => evidence,
        Pace::Untimed => evidence.without_time_bounds(),
    }))
}
