//! What README.md and docs/ tell a reader to type is typed here, as it stands there.
//!
//! Every fenced block says by its info string what it is:
//!
//! - `sh`: commands, run line by line with bash, all blocks of a page in one folder and one shell. A line that ends in `# exit N`
//!   must exit with N. `sh background` goes on while the rest is run.
//! - `text output`: stands in what the block before it printed.
//! - `json file=NAME`, `text file=NAME`: is written to that file.
//! - `sh not-run: REASON`, `console not-run: REASON`: is not run here, and why.
//! - any other language: nothing to type.
//!
//! Indented blocks that begin with a command are older pages'; [`NOT_RUN`] says why each page's are not run.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a blocking client of a shell")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);

/// First words of a command line.
const COMMANDS: [&str; 17] = [
    "polder",
    "polder-proxy",
    "polder-dns",
    "target/release/polder",
    "cargo",
    "git",
    "svn",
    "nix",
    "nixos-rebuild",
    "curl",
    "dig",
    "systemctl",
    "journalctl",
    "openssl",
    "su",
    "sed",
    "alias",
];

/// Pages whose indented blocks have commands, and why these are not run here.
const NOT_RUN: [(&str, &str); 4] = [
    ("docs/nixos.md", "needs Nix and the machines of a fleet: tests/nixos"),
    ("docs/etcd.md", "needs the machines of a fleet: tests/nixos/agreement.nix"),
    ("docs/push.md", "needs the machines of a fleet: tests/nixos/push*.nix"),
    ("docs/documents.md", "the documents it speaks of are the reader's; tests/config_documents reads those it shows"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and every page of docs/, by their paths from the root.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy()))
        .filter(|path| path.ends_with(".md"))
        .collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}

fn text(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

/// A fenced block.
#[derive(Debug)]
struct Block {
    /// The number of its first line in the page.
    line: usize,
    info: String,
    lines: Vec<String>,
}

/// The fenced blocks of a page, and the first lines of its indented ones.
fn blocks(page: &str) -> (Vec<Block>, Vec<(usize, String)>) {
    let (mut fenced, mut indented) = (Vec::new(), Vec::new());
    let mut open: Option<Block> = None;
    let mut last_was_empty = true;
    for (number, line) in (1..).zip(text(page).lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { line: number + 1, info: info.to_owned(), lines: Vec::new() }),
            (Some(_), Some(_)) => fenced.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) if last_was_empty && line.starts_with("    ") => {
                indented.push((number, line.trim().to_owned()))
            }
            (None, None) => {}
        }
        last_was_empty = line.is_empty();
    }
    assert!(open.is_none(), "{page}: a fence is not closed: {open:?}");
    (fenced, indented)
}

fn is_command(line: &str) -> bool {
    line.starts_with("$ ") || line.split_whitespace().next().is_some_and(|word| COMMANDS.contains(&word))
}

/// What is done with a block.
#[derive(Debug, PartialEq, Eq)]
enum Use<'a> {
    Run,
    Background,
    Output,
    File(&'a str),
    Nothing,
}

fn usage<'a>(page: &str, block: &'a Block) -> Use<'a> {
    let (language, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
    match (language, rest) {
        ("sh", "") => Use::Run,
        ("sh", "background") => Use::Background,
        ("text", "output") => Use::Output,
        (_, rest) if rest.starts_with("file=") => Use::File(&rest["file=".len()..]),
        ("sh" | "console", rest) if rest.strip_prefix("not-run: ").is_some_and(|why| !why.is_empty()) => Use::Nothing,
        ("sh" | "console", _) => panic!("{page}:{}: neither run nor with a reason not to: {}", block.line, block.info),
        (language, _) => {
            let command = block.lines.iter().find(|line| is_command(line));
            assert!(
                command.is_none() || language == "ini",
                "{page}:{}: a command, but no `sh`: {command:?}",
                block.line
            );
            Use::Nothing
        }
    }
}

#[test]
fn every_block_of_commands_is_run_or_has_a_reason_not_to_be() {
    for page in pages() {
        let (fenced, indented) = blocks(&page);
        for block in &fenced {
            usage(&page, block);
        }
        let listed = NOT_RUN.iter().any(|(listed, _)| *listed == page);
        for (number, line) in indented {
            assert!(listed || !is_command(&line), "{page}:{number}: put commands into a fenced block: {line}");
        }
    }
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    for page in pages() {
        let text = text(&page);
        let folder = Path::new(&page).parent().unwrap();
        for (_, after) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = after.split(')').next().unwrap();
            if target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { PathBuf::from(&page) } else { folder.join(path) };
            let found = root().join(&path);
            assert!(found.exists(), "{page}: {target} leads nowhere");
            if !anchor.is_empty() {
                let headings = std::fs::read_to_string(&found).unwrap();
                let known = headings.lines().filter(|line| line.starts_with('#')).map(slug).any(|slug| slug == anchor);
                assert!(known, "{page}: {target}: no such heading");
            }
        }
    }
}

/// The anchor that GitHub gives a heading.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// One shell that runs a page's commands one after the other.
struct Shell {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

/// Stands at the end of a command's output, with its exit code.
const END: &str = "--- the end of ";

/// What is cloned: this checkout, or a repository of its files where it is none (an unpacked archive).
fn repository(folder: &Path) -> PathBuf {
    if root().join(".git").exists() {
        return root();
    }
    let repository = folder.join("polder.git");
    let who = ["-c", "user.name=polder", "-c", "user.email=polder@localhost"];
    for arguments in [vec!["init", "--quiet"], vec!["add", "--all"], vec!["commit", "--quiet", "--message", "archive"]]
    {
        let mut git = Command::new("git");
        git.args(who).args(arguments).env("GIT_DIR", &repository).env("GIT_WORK_TREE", root());
        assert!(git.status().unwrap().success(), "{git:?}");
    }
    repository
}

impl Shell {
    /// A shell in an empty folder, in which the name of the repository stands for this checkout, and `cargo build --release` makes
    /// the programs of this very build: that they can be built is what the test itself shows.
    fn open() -> Shell {
        let folder = tempfile::Builder::new().prefix("pd").tempdir_in("/tmp").unwrap();
        let programs = folder.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        let mut cargo = "#!/bin/sh\nset -e\n[ \"$*\" = \"build --release\" ]\nmkdir -p target/release\n".to_owned();
        for (name, program) in [
            ("polder", env!("CARGO_BIN_EXE_polder")),
            ("polder-proxy", env!("CARGO_BIN_EXE_polder-proxy")),
            ("polder-dns", env!("CARGO_BIN_EXE_polder-dns")),
        ] {
            std::os::unix::fs::symlink(program, programs.join(name)).unwrap();
            let _ = writeln!(cargo, "ln -s {program} target/release/{name}");
        }
        std::fs::write(programs.join("cargo"), cargo).unwrap();
        std::fs::set_permissions(programs.join("cargo"), PermissionsExt::from_mode(0o755)).unwrap();
        let work = folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut process = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(&work)
            .env("PATH", path)
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("TMPDIR", folder.path())
            .env("POLDER_TIMEOUT", "60s")
            .env("GIT_CONFIG_COUNT", "2")
            .env("GIT_CONFIG_KEY_0", format!("url.{}.insteadOf", repository(folder.path()).display()))
            .env("GIT_CONFIG_VALUE_0", "https://github.com/polder/polder")
            .env("GIT_CONFIG_KEY_1", "safe.directory")
            .env("GIT_CONFIG_VALUE_1", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Shell { process, input, output, folder }
    }

    /// Types a line; what it prints on both outputs, and its exit code.
    fn run(&mut self, command: &str) -> (String, i32) {
        writeln!(self.input, "{{ {command}\n}} </dev/null 2>&1; echo \"\n{END}$?\"").unwrap();
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the shell has ended at {command}:\n{printed}");
            if let Some(code) = line.strip_prefix(END) {
                return (printed, code.trim().parse().unwrap());
            }
            printed.push_str(&line);
        }
    }

    /// Types a line that has to exit with this code. Whoever reads a page takes longer to type than checks take to notice, so a `no`
    /// is asked again for a while.
    fn must(&mut self, at: &str, command: &str, code: i32) -> String {
        let until = Instant::now() + LIMIT;
        loop {
            let (printed, exit) = self.run(command);
            if exit == code {
                return printed;
            }
            let may_change = command.starts_with("polder ") && exit < 2 && Instant::now() < until;
            assert!(may_change, "{at}: {command}\nexited with {exit}, not {code}:\n{printed}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Starts a command that goes on, and waits until it has said where it is.
    fn start(&mut self, at: &str, command: &str) {
        self.must(at, &format!("{command} > /dev/null & true"), 0);
        let demo = self.folder.path().join("polder/demo.json");
        let until = Instant::now() + LIMIT;
        while !demo.exists() {
            assert!(Instant::now() < until, "{at}: {command} is not there after {LIMIT:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn write(&mut self, name: &str, lines: &[String]) {
        let here = self.must("", "pwd", 0);
        std::fs::write(Path::new(here.trim()).join(name), lines.join("\n") + "\n").unwrap();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The shell, and what it left in the background.
        let group = nix::unistd::Pid::from_raw(-(self.process.id() as i32));
        let _ = nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

/// A line without the remark behind it, and the exit code that the remark names.
fn read_line(line: &str) -> (&str, i32) {
    let code = line
        .split_once("# exit ")
        .map_or(0, |(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap());
    (line.split_once(" #").map_or(line, |(command, _)| command).trim_end(), code)
}

fn type_all(page: &str) {
    let mut shell = Shell::open();
    let mut printed = String::new();
    for block in blocks(page).0 {
        let what = usage(page, &block);
        let at = |number: usize| format!("{page}:{}", block.line + number);
        let commands = || block.lines.iter().enumerate().filter(|(_, line)| !line.is_empty());
        match what {
            Use::Run => {
                for (number, line) in commands() {
                    let (command, code) = read_line(line);
                    printed = shell.must(&at(number), command, code);
                }
            }
            Use::Background => commands().for_each(|(number, line)| shell.start(&at(number), line)),
            Use::Output => {
                let expected = block.lines.join("\n");
                assert!(printed.contains(&expected), "{}: printed was\n{printed}", at(0));
            }
            Use::File(name) => shell.write(name, &block.lines),
            Use::Nothing => {}
        }
    }
}

#[test]
fn what_the_readme_says_works_as_it_stands_there() {
    type_all("README.md");
}

#[test]
fn what_the_pages_say_works_as_it_stands_there() {
    for page in pages().iter().filter(|page| *page != "README.md") {
        type_all(page);
    }
}
