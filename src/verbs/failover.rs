//! `failover`: moves a stateful service from its active backend to a backup, on every proxy.

use super::args::DaemonsArg;
use super::beforehand::Outlook;
use super::caller::who;
use super::command::{Command, CommandResult, Outcome, STEP, note_on_peers, report, send_all, table, verdict};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::layout;
use super::named::no_stateful_service;
use super::output::Output;
use super::replies::{DaemonReply, ask_all};
use super::wait::{self, Subject, WaitArgs};
use crate::api::daemon::Daemon;
use crate::api::proxy::{FailoverCommand, ServiceStatus};
use crate::daemon::eligibility::Eligibility;

/// What `failover` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct FailoverArgs {
    /// The service
    pub service: String,
    /// To this backend; without it, the first usable one in the document's order
    #[arg(long, value_name = "BACKEND")]
    pub to: Option<String>,
    /// Why, for those who look at the status later
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    /// Though the proxies cannot agree, since the store that they agree by is not there: your last word. Another proxy that does not hear
    /// it may serve the backend before
    #[arg(long)]
    pub without_agreement: bool,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
    /// Only say what would move, and what is cut off: nothing is changed
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    /// Whether it waits.
    pub wait: WaitArgs,
}

/// Picks the backend once and sends it to every proxy, so that two proxies cannot move the latch to two backends.
pub async fn run(args: &FailoverArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let replies = ask_all(daemons).await;
    if let Err(exit) = known_service(&args.service, &replies, output) {
        return exit;
    }
    let Some(to) = args.to.clone().or_else(|| next_backend(&args.service, &replies)) else {
        return output.refuse(&no_next_backend(&args.service, &replies), Exit::No);
    };
    let command = FailoverCommand {
        service: args.service.clone(),
        to: Some(to.clone()),
        who: who(),
        why: args.why.clone(),
        dry_run: args.dry_run,
        without_agreement: args.without_agreement,
    };
    if args.dry_run {
        let question = Question { service: &args.service, to: Some(&to), replies: &replies };
        return question.ask("/failover", &serde_json::json!(command), output).await;
    }
    let active_before = active(&args.service, &replies);
    let results = send_all(to_proxies(&replies, &args.service, "/failover", &serde_json::json!(command))).await;
    let left = active_before.as_deref().map(|from| (args.service.as_str(), from));
    report_and_wait(&results, left, &args.wait, daemons, output).await
}

/// The active backend of a latched service, as the proxy says that knows best.
pub fn active(service: &str, replies: &[DaemonReply]) -> Option<String> {
    best_view(service, replies)?.latch.as_ref()?.active.clone()
}

/// What would come of a step of a latch.
pub struct Question<'a> {
    /// The service.
    pub service: &'a str,
    /// Where it would go, if that is known.
    pub to: Option<&'a str>,
    /// How the daemons are.
    pub replies: &'a [DaemonReply],
}

impl Question<'_> {
    /// Asks every proxy that answers. Nothing is done.
    pub async fn ask(&self, path: &'static str, body: &serde_json::Value, output: &Output) -> Exit {
        let answering = self.replies.iter().filter(|one| one.answer.is_ok());
        let outlook = Outlook::of(send_all(to_proxies(answering, self.service, path, body)).await);
        if outlook.answers.is_empty() {
            return output.could_not("no proxy can say it beforehand: those that answer are of an earlier version");
        }
        let (text, width) = (self.in_words(&outlook), layout::width());
        let text: String = text.lines().map(|line| layout::wrapped("", line, 2, width)).collect();
        output.answer(&serde_json::json!({ "would": outlook.answers, "told": [] }), &text);
        if outlook.is_refused() { Exit::No } else { Exit::Done }
    }

    /// What proxies say of it, what becomes of the requests that run, and who was not asked.
    fn in_words(&self, outlook: &Outlook) -> String {
        let from = active(self.service, self.replies).filter(|from| self.to != Some(from) && !outlook.is_refused());
        let running = |from: String| {
            let running = running(self.service, &from, self.replies);
            format!("requests that run on {from} now: {running}; what has not ended by then is cut off\n")
        };
        let cut = from.map(running);
        let is_silent = |one: &&DaemonReply| one.answer.is_err() && one.role() == Some(Daemon::Proxy);
        let silent: Vec<String> = self.replies.iter().filter(is_silent).map(DaemonReply::name).collect();
        let silent = (!silent.is_empty()).then(|| format!("not asked, as no answer comes: {}\n", silent.join(", ")));
        [outlook.in_words(true), cut.unwrap_or_default(), silent.unwrap_or_default(), outlook.closing().to_owned()]
            .concat()
    }
}

/// How many requests run on a backend, over all proxies.
pub fn running(service: &str, backend: &str, replies: &[DaemonReply]) -> u64 {
    let views = replies.iter().filter_map(DaemonReply::status);
    views.filter_map(|status| status.backend(service, backend)).map(|one| one.running).sum()
}

/// Reports a step of a latch and, where it is asked for, waits until nobody is left on the backend that was active before.
pub async fn report_and_wait(
    results: &[CommandResult],
    left: Option<(&str, &str)>,
    args: &WaitArgs,
    daemons: &[Endpoint],
    output: &Output,
) -> Exit {
    let is_refused = results.iter().any(|one| one.outcome == Outcome::Refused);
    if !args.wait || is_refused {
        return report(results, output, note_on_peers(results));
    }
    let text = format!("{}{}", table(results), note_on_peers(results));
    output.line(&serde_json::json!({ "told": results }), text.trim_end());
    let Some((service, from)) = left else {
        return no_wait("Not waiting: which backend was active before is not known.", output);
    };
    let replies = ask_all(daemons).await;
    if active(service, &replies).as_deref() == Some(from) {
        return no_wait(&format!("{service} is on {from}, as it was before: there is nothing to wait for."), output);
    }
    let subject = Subject::Left { service: service.to_owned(), backend: from.to_owned() };
    let is_told = results.iter().any(|one| matches!(one.outcome, Outcome::Done | Outcome::Unwritten));
    let goes_on = match is_told {
        true => format!("{service} has moved all the same"),
        false => format!("no proxy is known to have moved {service}"),
    };
    match wait::until_free(vec![subject], args, &goes_on, daemons, output).await {
        Exit::Done => verdict(results),
        other => other,
    }
}

/// Nothing is waited for, and nothing is safe to power off.
fn no_wait(words: &str, output: &Output) -> Exit {
    output.line(&serde_json::json!({ "ended": words, "safe": false }), words);
    Exit::No
}

/// Why there is no backend to move to, and what to do.
fn no_next_backend(service: &str, replies: &[DaemonReply]) -> String {
    let best = views(service, replies).filter_map(|view| view.latch.as_ref()).max_by_key(|latch| latch.epoch);
    if best.is_some_and(|latch| latch.active.is_none()) {
        return format!(
            "which backend of {service} is active is not known: say it with --to; `polder status` has what is stored"
        );
    }
    let spent = best.map_or(&[][..], |latch| &latch.spent[..]);
    if spent.is_empty() {
        return format!(
            "service {service} has no other backend that is up and ready; `polder status` shows them, --to names one all the same"
        );
    }
    format!(
        "service {service} has no other backend that is up, ready and not failed away from ({} was); when it is well again, \
         `polder failback {service}` goes back to the primary",
        spent.join(", ")
    )
}

/// Checks that a proxy has a latched service of this name; if not, says so and returns the exit status.
pub fn known_service(service: &str, replies: &[DaemonReply], output: &Output) -> Result<(), Exit> {
    if replies.iter().all(|one| one.proxy().is_none()) {
        return Err(output.could_not("no proxy answered; `polder status` tells why"));
    }
    if views(service, replies).any(|view| view.latch.is_some()) {
        return Ok(());
    }
    Err(output.refuse(&no_stateful_service(service, replies), Exit::No))
}

/// One command for each daemon that is, or may be, a proxy.
pub fn to_proxies<'a>(
    replies: impl IntoIterator<Item = &'a DaemonReply>,
    service: &str,
    path: &'static str,
    body: &serde_json::Value,
) -> Vec<Command> {
    let is_proxy = |one: &&DaemonReply| one.role().is_none_or(|role| role == Daemon::Proxy);
    let command = |one: &DaemonReply| {
        let command = Command::new(one, service, path, body.clone());
        if one.answer.is_ok() { Command { limit: STEP, ..command } } else { command }
    };
    replies.into_iter().filter(is_proxy).map(command).collect()
}

/// The view of the proxy that knows best which backend of a latched service is active: the one with the highest epoch.
pub fn best_view<'a>(service: &'a str, replies: &'a [DaemonReply]) -> Option<&'a ServiceStatus> {
    views(service, replies).max_by_key(|view| view.latch.as_ref().map(|latch| latch.epoch))
}

fn views<'a>(service: &'a str, replies: &'a [DaemonReply]) -> impl Iterator<Item = &'a ServiceStatus> {
    replies
        .iter()
        .filter_map(DaemonReply::proxy)
        .flat_map(|status| &status.services)
        .filter(move |view| view.name == service)
}

/// The first backend in order, not the active one and not failed away from, that every proxy sees up and ready.
pub fn next_backend(service: &str, replies: &[DaemonReply]) -> Option<String> {
    let best = best_view(service, replies)?;
    // While it is not known which backend is active, only the operator can say where to go.
    let latch = best.latch.as_ref().filter(|latch| latch.active.is_some())?;
    let usable = |name: &str| {
        views(service, replies)
            .flat_map(|view| &view.backends)
            .filter(|backend| backend.name == name)
            .all(|backend| Eligibility::of(backend.check, backend.operator).admits_new())
    };
    let others = best.backends.iter().map(|backend| &backend.name);
    let mut others = others.filter(|name| latch.active.as_ref() != Some(name) && !latch.spent.contains(name));
    others.find(|name| usable(name)).cloned()
}

#[cfg(test)]
mod tests;
