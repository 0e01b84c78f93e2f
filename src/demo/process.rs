//! One child process: started, signalled, awaited.
//!
//! A task of its own holds the child, sends every signal and reaps it, so that a signal can never reach another
//! process that got the same number. Children end with the demo, however it ends: they are killed when their handle's
//! runtime ends, and the kernel kills them when the thread that started them is gone ([`crate::daemon::launch`]).

use std::io;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};

/// A child process. Dropping the handle leaves it running; it ends with the runtime.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    signals: mpsc::UnboundedSender<(Signal, oneshot::Sender<()>)>,
    ended: watch::Receiver<Option<String>>,
}

impl Process {
    /// Starts it; returns it with the ends of its standard input and output, where those are pipes. Must be called within a
    /// `LocalSet`, on a thread that lives as long as the child should.
    pub fn start(command: std::process::Command) -> io::Result<(Process, Option<ChildStdin>, Option<ChildStdout>)> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot start {program}: {error}")))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let pid = child.id().map_or(0, |pid| pid as i32);
        let (signals, asked) = mpsc::unbounded_channel();
        let (sender, ended) = watch::channel(None);
        tokio::task::spawn_local(hold(child, pid, asked, sender));
        Ok((Process { pid, signals, ended }, input, output))
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends a signal; returns when it is sent. A process that has ended gets none.
    pub async fn signal(&self, signal: Signal) {
        let (done, sent) = oneshot::channel();
        if self.signals.send((signal, done)).is_ok() {
            let _ = sent.await;
        }
    }

    /// Sends it SIGKILL in the next moment, and waits for nothing.
    pub fn kill_soon(&self) {
        let _ = self.signals.send((Signal::SIGKILL, oneshot::channel().0));
    }

    /// How it ended; none while it runs.
    pub fn ending(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    /// Waits for its end; how it ended.
    pub async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "is gone".to_owned(),
        }
    }

    /// Kills it and waits for its end.
    pub async fn kill(&self) {
        self.signal(Signal::SIGKILL).await;
        self.ended().await;
    }
}

async fn hold(
    mut child: Child,
    pid: i32,
    mut asked: mpsc::UnboundedReceiver<(Signal, oneshot::Sender<()>)>,
    sender: watch::Sender<Option<String>>,
) {
    let mut handles = true;
    loop {
        tokio::select! {
            status = child.wait() => {
                let how = match status {
                    Ok(status) => format!("ended with {status}"),
                    Err(error) => format!("cannot be awaited: {error}"),
                };
                let _ = sender.send(Some(how));
                return;
            }
            asked = asked.recv(), if handles => match asked {
                Some((signal, done)) => {
                    let _ = kill(Pid::from_raw(pid), signal);
                    let _ = done.send(());
                }
                None => handles = false,
            },
        }
    }
}
