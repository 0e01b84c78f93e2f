//! `drain`, `ready`, `maint`: sets the operator state of a backend or pool member in every daemon that has it, or in none.
//!
//! Every daemon is asked beforehand what would come of it ([`Outlook`]), and what one of them refuses is done nowhere. With
//! --force a stateful service whose active backend is meant moves first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::args::{DaemonsArg, parse_length};
use super::beforehand::Outlook;
use super::caller::who;
use super::command::{Command, CommandResult, Outcome, note_on_peers, send_all, table, verdict};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::failover::{best_view, next_backend, running, to_proxies};
use super::layout;
use super::named::no_subject;
use super::output::Output;
use super::replies::{DaemonReply, ask_all};
use super::subjects::{find_subjects, known_subjects, notes_in, states_in};
use super::times::time_of_day;
use super::wait::{self, Subject, WaitArgs};
use crate::api::daemon::Daemon;
use crate::api::operator::{OperatorCommand, OperatorNote, OperatorState};
use crate::api::proxy::FailoverCommand;
use crate::api::status::Status;
use crate::daemon::operator::proposals::{self, SILENT_AFTER};
use crate::unix_time::unix_ms;

/// How long after an operator's word a nameserver may still give an answer as before, in milliseconds: it asks its peers first.
const AGREED: u64 = proposals::LIMIT.as_millis() as u64;

/// What `ready` takes, and `drain` and `maint` too.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// A backend or member by name (`web1`: wherever it is used), or one use of it (`www/web1`, `http0.l.example.net/px-nl1`)
    #[arg(value_name = "NAME")]
    pub subject: String,
    /// Why, for those who look at the status later
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

/// What `drain` and `maint` take.
#[derive(Debug, Clone, clap::Args)]
pub struct StateArgs {
    #[command(flatten)]
    /// Of what.
    pub target: TargetArgs,
    /// For how long, then ready again: `90s`, `10m`, `2h30m`, `1d`
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_length, allow_hyphen_values = true)]
    pub lasting: Option<Duration>,
    /// Even if it is the last one that serves; a stateful service of which it is the active backend moves to the next one first
    #[arg(long)]
    pub force: bool,
    /// Only say what would come of it, or who refuses it: nothing is changed
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    /// Whether it waits.
    pub wait: WaitArgs,
}

/// What `drain --help` explains.
pub const DRAIN_HELP: &str = "What drain means:
  A backend gets no new visitors. Requests that run end there, and visitors whose cookie names it (a stateful service with several primaries) go on there: to empty such a backend takes as long as its sessions last.
  A pool member (a proxy) is in no answer of the nameservers from the next query on. Resolvers keep an old answer for the pool's TTL, and the proxy goes on serving whoever comes.
  The active backend of a stateful service with a backup has all its visitors: `polder failover SERVICE` moves them first, and --force does that too.
  Checks go on, and their verdict is shown beside the state. `polder ready NAME` ends it.
A name that is used several times (web2 in www and in shop) is drained in every use or, if one daemon refuses one, in none.";

/// What `maint --help` explains.
pub const MAINT_HELP: &str = "What maint means:
  A backend gets nobody, not even those whose cookie names it. Requests that wait for its answer and may be sent again go elsewhere at once; others may end there. Where all backends of a service are in maint, visitors get its maintenance page (503).
  A pool member (a proxy): the same as drain. No answer of the nameservers has it from the next query on.
  The active backend of a stateful service with a backup has all its visitors: `polder failover SERVICE` moves them first, and --force does that too.
  Checks go on (HAProxy stops them), so that you see when it is well. `polder ready NAME` ends it.
A name that is used several times (web2 in www and in shop) is taken out of every use or, if one daemon refuses one, of none.";

/// What `ready --help` explains.
pub const READY_HELP: &str = "What ready means:
  It ends drain and maint. A backend gets visitors as its checks allow: at once if they find it up, otherwise when they do.
  A pool member is in the nameservers' answers again.
  A stateful service stays on the backend to which it has moved: `polder failback SERVICE` goes back to the primary.";

impl From<TargetArgs> for StateArgs {
    fn from(target: TargetArgs) -> StateArgs {
        StateArgs { target, lasting: None, force: false, dry_run: false, wait: WaitArgs::default() }
    }
}

/// A stateful service that moves to its next backend before that backend is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Move {
    service: String,
    from: String,
    to: String,
}

/// What is to be done, and to whom.
struct Order<'a> {
    state: OperatorState,
    args: &'a StateArgs,
    replies: &'a [DaemonReply],
    subjects: &'a BTreeMap<String, Daemon>,
}

/// Sets the state in every daemon that has the subject, and reports each.
pub async fn run(state: OperatorState, args: &StateArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let replies = ask_all(daemons).await;
    let subjects = find_subjects(&args.target.subject, &replies);
    if subjects.is_empty() {
        return unknown(&args.target.subject, &replies, output);
    }
    let order = Order { state, args, replies: &replies, subjects: &subjects };
    if order.only_asks() {
        return order.only_wait(daemons, output).await;
    }
    let moves = order.moves();
    // What a daemon foresees depends on which of its peers it knows to be silent.
    if state != OperatorState::Ready && !args.force {
        tokio::time::sleep(until_noticed(&replies, unix_ms())).await;
    }
    let mut asked = send_all(order.questions(&moves)).await;
    asked.extend(order.unasked());
    let outlook = Outlook::of(asked);
    if outlook.is_refused() || args.dry_run {
        let text = format!("{}{}{}", order.moves_in_words(&moves, true), outlook.in_words(true), outlook.closing());
        output.answer(&json!({ "would": outlook.answers, "told": [] }), &within(&text));
        return outlook.verdict();
    }
    if !output.is_json() {
        let beforehand = format!("{}{}", order.moves_in_words(&moves, false), outlook.in_words(false));
        output.answer(&json!({}), &within(&beforehand));
    }
    let mut results = send_all(order.steps(&moves, false)).await;
    if results.iter().all(|moved| moved.outcome != Outcome::Refused) {
        let told = send_all(order.commands(order.subjects.keys(), false)).await;
        results.extend(outlook.explain_repeats(told, state));
    }
    let text = format!("{}{}", table(&results), within(&order.closing(&results)));
    let answer = json!({ "would": outlook.answers, "told": results });
    let ended = verdict(&results);
    let is_in_force = |one: &CommandResult| matches!(one.outcome, Outcome::Done | Outcome::Unwritten);
    if !args.wait.wait || !results.iter().any(is_in_force) || results.iter().any(|one| one.outcome == Outcome::Refused)
    {
        output.answer(&answer, &text);
        return ended;
    }
    output.line(&answer, text.trim_end());
    let subjects = order.awaited(|subject, pool| order.cached_until(subject, pool, &results));
    match wait::until_free(subjects, &args.wait, &order.goes_on(), daemons, output).await {
        Exit::Done => ended,
        other => other,
    }
}

impl Order<'_> {
    /// Whether everything is so already and no more is said than that it should be: then `--wait` asks how far it is, and who said it, why
    /// and for how long stays as it is.
    fn only_asks(&self) -> bool {
        let StateArgs { target, lasting, force, wait, .. } = self.args;
        let says_more = lasting.is_some() || *force || !target.why.is_empty();
        let is_so = |reply: &DaemonReply| {
            let states = states_in(reply);
            self.subjects.keys().filter_map(|subject| states.get(subject)).all(|state| *state == self.state)
        };
        wait.wait && !says_more && self.state != OperatorState::Ready && self.replies.iter().all(is_so)
    }

    /// Says how long it has been so, and waits.
    async fn only_wait(&self, daemons: &[Endpoint], output: &Output) -> Exit {
        let notes: BTreeMap<String, &OperatorNote> = self.replies.iter().flat_map(notes_in).collect();
        let asked = || self.subjects.keys().filter_map(|subject| notes.get_key_value(subject));
        let line = |(subject, note): (&String, &&OperatorNote)| {
            let since = note.since_in_words(unix_ms());
            format!("{subject} is {since}{}; it stays as it is\n", note.until_in_words(unix_ms()))
        };
        let lines = within(&asked().map(line).collect::<String>());
        output.line(&json!({ "would": [], "told": [] }), lines.trim_end());
        let last_answer = |subject: &str| notes.get(subject).map_or_else(unix_ms, |note| note.began()) + AGREED;
        let subjects = self.awaited(|subject, pool| last_answer(subject) + self.ttl(pool));
        wait::until_free(subjects, &self.args.wait, &self.goes_on(), daemons, output).await
    }

    /// What stays in force when the waiting ends, and what ends it.
    fn goes_on(&self) -> String {
        let named = &self.args.target.subject;
        format!("{named} stays in {}, and `polder ready {named}` ends that", self.state)
    }

    /// With --force: the stateful services of which an active backend is meant that another one can follow.
    fn moves(&self) -> Vec<Move> {
        if !self.args.force || self.state == OperatorState::Ready {
            return Vec::new();
        }
        let of = |(subject, role): (&String, &Daemon)| {
            let (service, from) = subject.split_once('/').filter(|_| *role == Daemon::Proxy)?;
            let latch = best_view(service, self.replies)?.latch.as_ref()?;
            let to = next_backend(service, self.replies).filter(|_| latch.active.as_deref() == Some(from))?;
            Some(Move { service: service.to_owned(), from: from.to_owned(), to })
        };
        self.subjects.iter().filter_map(of).collect()
    }

    /// Asks every daemon that answers what would come of it.
    fn questions(&self, moves: &[Move]) -> Vec<Command> {
        // A backend that is active now is not when its turn comes.
        let is_moved = |subject: &str| {
            let named = subject.split_once('/');
            moves.iter().any(|one| named == Some((&one.service, &one.from)))
        };
        let stay = self.subjects.keys().filter(|subject| !is_moved(subject));
        let mut questions = self.steps(moves, true);
        questions.extend(self.commands(stay, true));
        questions
    }

    /// One for each daemon and subject.
    fn commands<'s>(&self, subjects: impl Iterator<Item = &'s String>, dry_run: bool) -> Vec<Command> {
        let mut commands = Vec::new();
        for subject in subjects {
            let command = OperatorCommand {
                subject: subject.clone(),
                state: self.state,
                who: who(),
                why: self.args.target.why.clone(),
                for_ms: self.args.lasting.map(|lasting| lasting.as_millis() as u64),
                force: self.args.force,
                dry_run,
            };
            let body = json!(command);
            let is_meant = |one: &&DaemonReply| match one.answer {
                Ok(_) => states_in(one).contains_key(subject),
                // One whose kind is not known gets it too: better refused than missed.
                Err(_) => !dry_run && one.role().is_none_or(|known| Some(&known) == self.subjects.get(subject)),
            };
            let recipients = self.replies.iter().filter(is_meant);
            commands.extend(recipients.map(|one| Command::new(one, subject, "/operator", body.clone())));
        }
        commands
    }

    /// What is not known beforehand, as a daemon that may have the subject does not answer.
    fn unasked(&self) -> Vec<CommandResult> {
        let of = |one: &DaemonReply| {
            let is_meant = |role: &Daemon| one.answer.is_err() && one.role().is_none_or(|known| known == *role);
            let subjects = self.subjects.iter().filter(|(_, role)| is_meant(role)).map(|(subject, _)| subject);
            let result = |subject: &String| CommandResult {
                daemon: one.name(),
                subject: subject.clone(),
                outcome: Outcome::Missed,
                words: "if it has it, it hears of it from its peers, once it answers".to_owned(),
                cached_until: None,
                unchanged: false,
            };
            subjects.map(result).collect::<Vec<_>>()
        };
        self.replies.iter().flat_map(of).collect()
    }

    /// The same for the services that move.
    fn steps(&self, moves: &[Move], dry_run: bool) -> Vec<Command> {
        let of = |one: &Move| {
            let (service, to) = (one.service.clone(), Some(one.to.clone()));
            let command = FailoverCommand {
                service,
                to,
                who: who(),
                why: self.args.target.why.clone(),
                dry_run,
                without_agreement: false,
            };
            let answering = self.replies.iter().filter(|reply| !dry_run || reply.answer.is_ok());
            to_proxies(answering, &one.service, "/failover", &json!(command))
        };
        moves.iter().flat_map(of).collect()
    }

    /// What moves before anything is taken out.
    fn moves_in_words(&self, moves: &[Move], is_question: bool) -> String {
        let (moves_first, is_cut) = if is_question { ("would move", "would be") } else { ("moves", "is") };
        let line = |Move { service, from, to }: &Move| {
            let running = running(service, from, self.replies);
            let then = if is_question {
                format!("{service}/{from}: would then be set to {}\n", self.state)
            } else {
                String::new()
            };
            format!(
                "{service} {moves_first} from {from} to {to} first; requests that run on {from} now: {running}, and what has not ended in \
                 the time that the service gives them {is_cut} cut off\n{then}"
            )
        };
        moves.iter().map(line).collect()
    }

    /// What `--wait` waits for; `cached_until` says until when resolvers may have a subject of a pool.
    fn awaited(&self, cached_until: impl Fn(&str, &str) -> u64) -> Vec<Subject> {
        let of = |(subject, role): (&String, &Daemon)| {
            let (group, name) = subject.split_once('/')?;
            let (group, name) = (group.to_owned(), name.to_owned());
            Some(match role {
                Daemon::Proxy => Subject::Backend { service: group, backend: name },
                Daemon::Nameserver => {
                    let cached_until = cached_until(subject, &group);
                    Subject::Member { pool: group, member: name, cached_until }
                }
            })
        };
        self.subjects.iter().filter_map(of).collect()
    }

    /// Until when resolvers may have a member of a pool. A nameserver that did not say, as its disk takes nothing or it was not reached,
    /// may have given its last answer only now.
    fn cached_until(&self, subject: &str, pool: &str, results: &[CommandResult]) -> u64 {
        let from_now = unix_ms() + self.ttl(pool);
        let told = results.iter().filter(|one| one.subject == subject && !one.unchanged);
        told.map(|one| one.cached_until.unwrap_or(from_now)).max().unwrap_or_default()
    }

    /// How long resolvers keep an answer with the pool's addresses, in milliseconds.
    fn ttl(&self, pool: &str) -> u64 {
        let pools = self.replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.pools);
        let ttl = pools.filter(|known| known.name == pool).map(|known| known.ttl).max();
        u64::from(ttl.unwrap_or_default()) * 1000
    }

    /// What is to be known besides how each command ended.
    fn closing(&self, results: &[CommandResult]) -> String {
        let until = results.iter().filter_map(|one| one.cached_until).max().filter(|until| *until > unix_ms());
        let missed =
            missed_nameservers(results, self.replies, self.state).unwrap_or_else(|| note_on_peers(results).to_owned());
        format!(
            "{}{missed}{}",
            until.map_or_else(String::new, expiry_line),
            self.half_done(results).unwrap_or_default()
        )
    }

    /// What was done where and what was not, and what mends it, if a daemon refused what none had refused beforehand.
    fn half_done(&self, results: &[CommandResult]) -> Option<String> {
        let refused = results.iter().filter(|one| one.outcome == Outcome::Refused);
        let refused: Vec<String> = refused.map(|one| format!("{} by {}", one.subject, one.daemon)).collect();
        if refused.is_empty() {
            return None;
        }
        let is_in_force = |one: &&CommandResult| matches!(one.outcome, Outcome::Done | Outcome::Unwritten);
        let mut in_force: Vec<&str> = results.iter().filter(is_in_force).map(|one| &*one.subject).collect();
        in_force.sort_unstable();
        in_force.dedup();
        let refused = refused.join(", ");
        let again = format!("`polder {} {}` again tries the rest", self.state, self.args.target.subject);
        if in_force.is_empty() {
            return Some(format!("Nothing has changed: {refused} was refused.\n"));
        }
        let back: Vec<String> = in_force.iter().map(|subject| format!("`{}`", self.way_back(subject))).collect();
        Some(format!(
            "Only a part was done, as things changed meanwhile: {} is in force, {refused} was refused. {again}; {} takes it back.\n",
            in_force.join(", "),
            back.join(", ")
        ))
    }

    /// The command that undoes what was done to a subject or service.
    fn way_back(&self, subject: &str) -> String {
        if !subject.contains('/') {
            return format!("polder failback {subject}");
        }
        let before = self.replies.iter().find_map(|reply| states_in(reply).get(subject).copied());
        format!("polder {} {subject}", before.unwrap_or_default())
    }
}

/// How long it takes until those that answer have noticed that a peer is silent which does not answer us either.
fn until_noticed(replies: &[DaemonReply], now: u64) -> Duration {
    let known: BTreeSet<String> = replies.iter().filter(|one| one.answer.is_ok()).map(DaemonReply::name).collect();
    let is_silent =
        |role: Daemon| move |one: &DaemonReply| one.answer.is_err() && one.role().is_none_or(|known| known == role);
    let statuses = replies.iter().filter_map(DaemonReply::status).map(Status::daemon);
    let affected = statuses.filter(|daemon| replies.iter().any(is_silent(daemon.role)));
    let peers = affected.flat_map(|daemon| &daemon.peers).filter(|peer| !known.contains(&peer.name));
    let since_heard = peers.filter_map(|peer| peer.heard).map(|heard| Duration::from_millis(now.saturating_sub(heard)));
    since_heard.map(|past| SILENT_AFTER.saturating_sub(past)).max().unwrap_or_default()
}

/// Its lines within the terminal.
fn within(text: &str) -> String {
    let width = layout::width();
    text.lines().map(|line| layout::wrapped("", line, 2, width)).collect()
}

/// What nameservers that were not reached go on answering, and for how long. `None` if all were reached.
fn missed_nameservers(results: &[CommandResult], replies: &[DaemonReply], state: OperatorState) -> Option<String> {
    let pools = || replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.pools);
    let ttl_of = |subject: &str| {
        let named = pools().filter(|pool| subject.strip_prefix(&pool.name).is_some_and(|rest| rest.starts_with('/')));
        named.map(|pool| pool.ttl).max()
    };
    let missed = results.iter().filter(|one| one.outcome == Outcome::Missed);
    let missed: Vec<(&str, u32)> =
        missed.filter_map(|one| Some((one.daemon.as_str(), ttl_of(&one.subject)?))).collect();
    let ttl = missed.iter().map(|(_, ttl)| *ttl).max()?;
    let mut names: Vec<&str> = missed.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let cached = match state {
        OperatorState::Ready => String::new(),
        _ => format!("; resolvers may keep such an answer for {ttl} s more"),
    };
    Some(format!(
        "Not reached: {}. A nameserver that runs all the same goes on answering as before until its peers tell it{cached}.\n",
        names.join(", ")
    ))
}

fn expiry_line(until: u64) -> String {
    let left = until.saturating_sub(unix_ms()).div_ceil(1000);
    let words = "The last cached answer that names it expires by";
    format!("{words} {} (in {left} s: the TTL, and as long as nameservers may take to agree).\n", time_of_day(until))
}

fn unknown(named: &str, replies: &[DaemonReply], output: &Output) -> Exit {
    if replies.iter().all(|one| one.role().is_none() || (one.proxy().is_none() && one.nameserver().is_none())) {
        return output.could_not("no daemon answered; `polder status` tells why");
    }
    let subjects = known_subjects(replies);
    let known: Vec<&str> = subjects.keys().map(String::as_str).collect();
    let silent: Vec<String> = replies.iter().filter(|one| one.answer.is_err()).map(DaemonReply::name).collect();
    if !silent.is_empty() {
        return output.could_not(&format!(
            "{}. But not all have answered: {} may have it; `polder status` tells why",
            no_subject(named, &known, replies),
            silent.join(", ")
        ));
    }
    let more = serde_json::Map::from_iter([("known".to_owned(), json!(known))]);
    output.refuse_with(&no_subject(named, &known, replies), more, Exit::No)
}

#[cfg(test)]
mod tests;
