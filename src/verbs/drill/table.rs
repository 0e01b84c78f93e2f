//! The drill's tables (pure).

use std::time::Duration;

use super::super::output::{Table, Tone, cell, toned};
use crate::demo::documents::Times;
use crate::demo::drill::judge::Judgement;
use crate::demo::drill::rows::Row;
use crate::demo::drill::{Outcome, Pace};

/// `--list`.
pub(super) fn list(rows: &[&'static Row]) -> String {
    let mut table = Table::new(&["ROW", "WHAT IS BROKEN", "BOUND", "AT DEFAULTS", "PROMISE"]);
    for row in rows {
        table.row(vec![
            cell(row.name),
            cell(row.broken),
            cell(bound(row, &Times::SCALED)),
            cell(bound(row, &Times::DEFAULT)),
            cell(row.promise),
        ]);
    }
    table.render()
}

/// What is not shown, and why.
pub(super) fn left_out(rows: &[&Row]) -> String {
    let line = |row: &&Row| {
        let program = row.needs.unwrap_or_default();
        format!("Left out: {} ({}), which needs the program `{program}`: there is none in PATH.", row.name, row.broken)
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The line of a row that has ended.
pub(super) fn line(row: &Row, judgement: &Judgement, ended: usize, rows: usize) -> String {
    let figures = &judgement.figures;
    format!(
        "[{ended:>2}/{rows}] {} {}: {} requests, {} failed, {} excused, {:.1} s",
        verdict_painted(judgement),
        row.broken,
        figures.requests,
        figures.failed,
        figures.excused,
        figures.took_ms as f64 / 1000.0
    )
}

/// The final table, and what it comes to.
pub(super) fn results(outcomes: &[Outcome], pace: Pace, took: Duration) -> String {
    let mut table = Table::new(&[
        "WHAT WAS BROKEN",
        "NOTICED AFTER",
        "REQUESTS",
        "FAILED",
        "EXCUSED",
        "LONGEST GAP",
        "SLOWEST",
        "BOUND",
        "AT DEFAULTS",
        "PROMISE",
    ]);
    for Outcome { row, judgement } in outcomes {
        let figures = &judgement.figures;
        let noticed = match (figures.noticed_ms, figures.noticed_bound_ms) {
            (Some(after), Some(within)) => format!("{after} ms (of {within})"),
            (Some(after), None) => format!("{after} ms"),
            (None, Some(within)) => format!("never (of {within})"),
            _ => "-".to_owned(),
        };
        table.row(vec![
            cell(row.broken),
            cell(noticed),
            cell(figures.requests.to_string()),
            toned(figures.failed.to_string(), if figures.failed > 0 { Tone::Bad } else { Tone::Plain }),
            cell(figures.excused.to_string()),
            cell(format!("{} ms", figures.longest_gap_ms)),
            cell(format!("{} ms", figures.slowest_ms)),
            cell(bound(row, &Times::SCALED)),
            cell(bound(row, &Times::DEFAULT)),
            if judgement.kept { toned("kept", Tone::Good) } else { toned("BROKEN", Tone::Bad) },
        ]);
    }
    format!("\n{}\n{}", table.render(), summary(outcomes, pace, took))
}

fn summary(outcomes: &[Outcome], pace: Pace, took: Duration) -> String {
    let sum = |figure: fn(&Outcome) -> usize| outcomes.iter().map(figure).sum::<usize>();
    let broken = sum(|outcome| usize::from(!outcome.judgement.kept));
    let verdict = if broken == 0 {
        Tone::Good.paint(&format!("All {} promises were kept", outcomes.len()))
    } else {
        Tone::Bad.paint(&format!("{broken} of {} promises were broken", outcomes.len()))
    };
    let mut text = format!(
        "{verdict} in {:.0} s, under {} requests/s and {} queries/s at least: {} requests, {} queries.\n\
         Failed: in spite of the promise. Excused: sent to the broken part before that could be known.\n\
         {}\n",
        took.as_secs_f64(),
        outcomes.iter().map(|outcome| outcome.judgement.figures.requests_per_s).min().unwrap_or(0),
        outcomes.iter().map(|outcome| outcome.judgement.figures.queries_per_s).min().unwrap_or(0),
        sum(|outcome| outcome.judgement.figures.requests),
        sum(|outcome| outcome.judgement.figures.queries),
        match pace {
            Pace::Timed =>
                "Bounds are for a machine that has nothing else to do (`--untimed` judges no times), with TTL 5 s, interval 200 ms, time-out 150 ms; at defaults TTL 300 s, interval 2 s, time-out 1 s.",
            Pace::Untimed => "Untimed: how long anything took was not judged.",
        },
    );
    for Outcome { row, judgement } in outcomes.iter().filter(|outcome| !outcome.judgement.kept) {
        for reason in &judgement.reasons {
            text.push_str(&format!("{} {}: {reason}\n", Tone::Bad.paint("BROKEN"), row.name));
        }
    }
    text
}

fn verdict_painted(judgement: &Judgement) -> String {
    if judgement.kept { Tone::Good.paint("kept  ") } else { Tone::Bad.paint("BROKEN") }
}

fn bound(row: &Row, times: &Times) -> String {
    match (row.bound)(times) {
        None => "-".to_owned(),
        Some(bound) if bound.subsec_millis() == 0 => format!("{} s", bound.as_secs()),
        Some(bound) => format!("{} ms", bound.as_millis()),
    }
}
