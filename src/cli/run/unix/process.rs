//! The command as a process.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, wait, waitid,
};

use super::{elf, passed_on};
use crate::cli::run::news::{News, Program};

/// A command that runs. It has this program's standard streams, process group and terminal.
pub struct Process {
    id: Pid,
    child: Child,
    /// How it ended, as process 1 learned it.
    reaped: Receiver<ExitStatus>,
}

impl Process {
    /// Starts a command whose end is told to `news`. Whoever waits for it is there first: a command
    /// that runs while nobody could must not be.
    pub fn start(program: &Program<'_>, news: Sender<News>) -> io::Result<Process> {
        let (begin, begun) = channel();
        let (sender, reaped) = channel();
        let is_first = getpid().is_init();
        let work = move || {
            let Ok(id) = begun.recv() else { return };
            match is_first {
                true => reap_all(id, &sender),
                false => wait_for(id),
            }
            // Nobody listens any more if it was not to be waited for.
            let _ = news.send(News::Ended);
        };
        thread::Builder::new()
            .name("versioner-command".to_owned())
            .spawn(work)?;
        let child = match command(program, false).spawn() {
            Err(error) if is_script(&error, program.file) => command(program, true).spawn(),
            started => started,
        }?;
        let id = Pid::from_child(&child);
        // The thread waits for nothing else.
        let _ = begin.send(id);
        Ok(Process { id, child, reaped })
    }

    /// Sends it a signal. It has not been waited for, so that its number is nobody else's.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        let signal = passed_on::of_number(number).ok_or(Errno::INVAL)?;
        Ok(kill_process(self.id, signal)?)
    }

    pub fn ask_to_end(&self) -> io::Result<()> {
        Ok(kill_process(self.id, Signal::TERM)?)
    }

    pub fn kill(&self) -> io::Result<()> {
        Ok(kill_process(self.id, Signal::KILL)?)
    }

    /// How it ended, once that is told.
    pub fn end(mut self) -> io::Result<ExitStatus> {
        match self.reaped.try_recv() {
            Ok(status) => Ok(status),
            Err(_) => self.child.wait(),
        }
    }
}

/// Whether what the kernel cannot execute is a script of the shell, not a program for another
/// processor.
fn is_script(error: &io::Error, file: &Path) -> bool {
    error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) && !elf::is_program(file)
}

/// How a program is started; a script that does not say by what is one of the shell.
fn command(program: &Program<'_>, is_of_shell: bool) -> Command {
    let mut command = match is_of_shell {
        true => Command::new("/bin/sh"),
        false => Command::new(program.file),
    };
    match is_of_shell {
        true => command.arg(program.file),
        false => command.arg0(program.name),
    };
    command.args(program.arguments);
    for name in program.removed {
        command.env_remove(name);
    }
    command.envs(program.variables.iter().map(|(name, value)| (name, value)));
    command
}

/// Waits without taking the process away: signals must not reach another one of its number.
fn wait_for(id: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(id), options), Err(Errno::INTR)) {}
}

/// Process 1 inherits what others leave behind.
fn reap_all(id: Pid, ended: &Sender<ExitStatus>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((other, status))) if other == id => {
                // The receiver lives as long as the process.
                let _ = ended.send(ExitStatus::from_raw(status.as_raw()));
                return;
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
