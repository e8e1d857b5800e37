//! A command becomes its exit code: started, waited for, told of signals; nothing that it leaves running outlives it.
//!
//! On a terminal it shares rollcast's process group, so that it can read the terminal and Ctrl-C reaches all of it. Elsewhere it has a
//! group of its own, which signals go to as a whole and whose rest is ended with it.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process_group, waitpgid};
#[cfg(target_os = "linux")]
use rustix::process::{getpid, set_child_subreaper};
use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

/// How long a command may take to end after a signal.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long what a command left running may take to end by itself: a `tee` that still writes.
const GRACE: Duration = Duration::from_millis(300);

/// So much later than the command we may notice a signal of the terminal that both got.
const NOTICE: Duration = Duration::from_millis(20);

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Its exit code; 128 and the signal's number if a signal ended it.
    pub(super) code: i32,
    /// Whether it was interrupted.
    pub(super) interrupted: bool,
    /// Whether something that it had started was still running.
    pub(super) left_running: bool,
}

/// Who gets signals.
#[derive(Clone, Copy, Debug)]
struct Script {
    pid: Pid,
    own_group: bool,
}

impl Script {
    fn send(self, signal: Signal) {
        // Whoever is gone needs no signal.
        if self.own_group { kill_process_group(self.pid, signal) } else { kill_process(self.pid, signal) }.ok();
    }

    /// Waits until nothing of the group is left, or time is up.
    async fn gone(self, within: Duration) -> bool {
        let step = Duration::from_millis(5);
        timeout(within, async {
            while self.is_there() {
                sleep(step).await;
            }
        })
        .await
        .is_ok()
    }

    /// Whether anything of the group is left. What has ended and was left to us is taken note of, lest it counts as being there.
    fn is_there(self) -> bool {
        while let Ok(Some(_)) = waitpgid(self.pid, WaitOptions::NOHANG) {}
        test_kill_process_group(self.pid).is_ok()
    }
}

/// A command that was started, and the signals that end it early.
pub(super) struct Started {
    child: Child,
    script: Script,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

/// Processes whose parent ends become ours, so that we see them end; elsewhere they are left to whoever is first on the machine, who may
/// not look.
#[cfg(target_os = "linux")]
fn adopt() {
    // A kernel that refuses leaves it as it is.
    set_child_subreaper(Some(getpid())).ok();
}

#[cfg(not(target_os = "linux"))]
fn adopt() {}

/// Starts a command.
pub(super) fn start(command: std::process::Command) -> io::Result<Started> {
    let own_group = !(io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal());
    let mut command = Command::from(command);
    if own_group {
        command.process_group(0);
        adopt();
    }
    let interrupt = signal(SignalKind::interrupt())?;
    let terminate = signal(SignalKind::terminate())?;
    let hangup = signal(SignalKind::hangup())?;
    let child = command.spawn()?;
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(|| io::Error::other("it has no process id"))?;
    Ok(Started { child, script: Script { pid, own_group }, interrupt, terminate, hangup })
}

/// Waits for the end of a command, or for an interruption, and ends what is left of it.
pub(super) async fn ended(started: Started) -> io::Result<Ended> {
    let Started { mut child, script, mut interrupt, mut terminate, mut hangup } = started;
    let own_group = script.own_group;
    let received = tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(Signal::INT),
        _ = terminate.recv() => Ok(Signal::TERM),
        _ = hangup.recv() => Ok(Signal::HUP),
        status = child.wait() => Err(status?),
    };
    let (status, interrupted) = match received {
        Err(status) if own_group => (status, false),
        // Ctrl-C may have ended the command before it was noticed here.
        Err(status) => (status, timeout(NOTICE, interrupt.recv()).await.is_ok()),
        Ok(signal) => {
            // Whoever shares the terminal has had the interrupt from there.
            if own_group || signal != Signal::INT {
                script.send(signal);
            }
            let again = async {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
            };
            (stopped(&mut child, script, again).await?, true)
        }
    };
    let left_running = own_group && !script.gone(GRACE).await;
    if left_running {
        script.send(Signal::TERM);
        if !script.gone(GRACE).await {
            script.send(Signal::KILL);
        }
    }
    Ok(Ended { code: code(status), interrupted, left_running })
}

/// Waits for a command that was told to end, for as long as one may; a second signal ends the wait.
async fn stopped(child: &mut Child, script: Script, again: impl Future<Output = ()>) -> io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = again => {}
        () = sleep(PATIENCE) => {}
    }
    script.send(Signal::KILL);
    child.wait().await
}

/// As a shell gives it.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
