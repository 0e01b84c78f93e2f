//! docs/questions.md: what operators ask, the command that answers it in one step, and what that prints.
//!
//!     REWRITE=1 cargo test --test questions
//!
//! plays the night again on the demo's fleet and writes down what was printed; what stands before and behind the made part of the page is
//! kept. Without it, the test plays the night and fails where a command does not give its answer, or not in the words of the page.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a blocking reader of files")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod night;
mod normal;
mod page;
mod stage;

use clap::Parser;
use page::Page;
use polder::verbs::Cli;

/// The page's least number of questions.
const LEAST: usize = 30;

#[test]
fn every_question_is_answered_in_one_step_and_as_the_page_says() {
    let page = Page::read();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = tokio::task::LocalSet::new().block_on(&runtime, night::play(&page));
    assert!(answers.len() >= LEAST, "{} questions", answers.len());
    let made = page.with(&answers);
    if std::env::var_os("REWRITE").is_some() {
        made.write();
        let unanswered: Vec<&str> = answers.iter().filter_map(|answer| answer.unanswered.as_deref()).collect();
        assert!(unanswered.is_empty(), "{}", unanswered.join("\n"));
        return;
    }
    let again = "REWRITE=1 cargo test --test questions";
    let wrong: Vec<&str> =
        answers.iter().filter_map(|answer| answer.unanswered.as_deref().or(answer.difference.as_deref())).collect();
    assert!(wrong.is_empty(), "docs/questions.md is not what is printed:\n\n{}\n{again}", wrong.join("\n"));
    assert_eq!(made.headings(), page.headings(), "docs/questions.md does not have these questions; {again}");
}

#[test]
fn commands_for_an_admin_machine_are_such_as_polder_has() {
    let page = Page::read();
    let commands = page.untyped();
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        let words = stage::words(&command);
        if let Err(why) = Cli::try_parse_from(&words) {
            panic!("{command}: {why}");
        }
    }
}
