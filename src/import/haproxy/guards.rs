//! Rules about who asks: `deny` by `src`, `auth` by `http_auth` (configuration manual, 4.2, 7.3.3 and 7.3.6). Pure.

use super::super::error::Inexpressible;
use super::super::guards;
use super::super::note::Notes;
use super::super::tree::Table;
use super::acl::{Acls, Test};
use super::sections::Statement;

/// What a rule about who asks comes to.
pub struct Guard {
    /// Keys of a service.
    pub settings: Table,
    /// The other tests of its condition, with `if` before them, or nothing.
    pub rest: Vec<String>,
}

/// Reads a rule that refuses visitors by their address, or asks them for a name and a password; none if it is no such rule.
pub fn read(
    action: &[String],
    condition: &[String],
    acls: &Acls,
    statement: &Statement,
    notes: &mut Notes,
) -> Option<Result<Guard, Inexpressible>> {
    let verb = action.first().map(String::as_str)?;
    let asks = verb == "auth";
    if !asks && !matches!(verb, "deny" | "tarpit" | "reject" | "silent-drop") {
        return None;
    }
    let (first, words) = condition.split_first()?;
    let mut tests = acls.tests(words)?;
    let place = tests.iter().position(|test| is_who(test, asks))?;
    let who = tests.remove(place);
    let unless = first == "unless";
    if tests.iter().any(|test| is_who(test, asks)) || (unless && !tests.is_empty()) {
        return Some(Err("it tests several things about who asks: write a rule for each, with \"if\"".into()));
    }
    let mut rest: Vec<String> = tests.into_iter().flat_map(|test| test.written).collect();
    if !rest.is_empty() {
        rest.insert(0, "if".to_owned());
    }
    let others = who.negated != unless;
    let settings = match asks {
        true if !others => Err("it asks those who have said who they are".into()),
        true => ask(action, &who, statement, notes),
        false => {
            let values = who.criteria.iter().flat_map(|words| words.iter().skip(1));
            networks(values, others, statement, notes)
        }
    };
    Some(settings.map(|settings| Guard { settings, rest }))
}

/// What `src` is compared with: networks, and files of networks behind `-f` (7.1).
fn networks<'w>(
    mut values: impl Iterator<Item = &'w String>,
    others: bool,
    statement: &Statement,
    notes: &mut Notes,
) -> Result<Table, Inexpressible> {
    let (mut networks, mut files) = (Vec::new(), Vec::new());
    while let Some(value) = values.next() {
        match value.as_str() {
            "-n" | "--" => {}
            "-f" => files.push(values.next().cloned().ok_or_else(|| Inexpressible::from("expected a file behind -f"))?),
            "-M" => return Err("a map (-M) is no list of networks: write them into the rule, and import again".into()),
            _ => networks.push(value.clone()),
        }
    }
    let settings = guards::networks(&networks, &files, others)?;
    for file in files {
        let why = format!(
            "{file}: each line has to be a network or an address (notes behind #), or nobody is let in; put it on every proxy, a relative path beside the document; it is read again when it changes"
        );
        notes.changed(statement.line, &statement.text(), why);
    }
    Ok(settings)
}

fn is_who(test: &Test, asks: bool) -> bool {
    let sample = |words: &Vec<String>| {
        let sample = words.first().map_or("", String::as_str);
        if asks { sample.starts_with("http_auth(") || sample.starts_with("http_auth_group(") } else { sample == "src" }
    };
    !test.criteria.is_empty() && test.criteria.iter().all(sample)
}

fn ask(action: &[String], who: &Test, statement: &Statement, notes: &mut Notes) -> Result<Table, Inexpressible> {
    let realm = action.iter().skip_while(|word| *word != "realm").nth(1).map(String::as_str);
    let list = list(who)?;
    let (settings, file) = guards::basic_auth(&list.replace(' ', "-"), realm)?;
    let why = format!(
        "names and hashes come from {file} here, those of {list} alone: put the line of `htpasswd -nB NAME` into it for each user, on every proxy; nobody comes in before"
    );
    notes.changed(statement.line, &statement.text(), why);
    Ok(settings)
}

/// `http_auth(LIST)`, `http_auth_group(LIST) GROUP`: the list of users, and their groups behind it.
fn list(who: &Test) -> Result<String, Inexpressible> {
    let [words] = &who.criteria[..] else { return Err("it asks several lists of users: write a rule for one".into()) };
    let (sample, groups) = words.split_first().map_or(("", &[][..]), |(sample, groups)| (sample.as_str(), groups));
    let name = sample.split_once('(').map_or("", |(_, name)| name.trim_end_matches(')'));
    let is_plain = |word: &&str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let groups = groups.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
    let list: Vec<&str> = std::iter::once(name).chain(groups).collect();
    match list.iter().all(is_plain) && (list.len() > 1 || !sample.starts_with("http_auth_group")) {
        true => Ok(list.join(" ")),
        false => Err("its list of users has no plain name".into()),
    }
}
