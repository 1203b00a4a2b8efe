//! The command as a process, in a job object.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use shared_child::SharedChild;
use win32job::{ExtendedLimitInfo, Job, JobError};

use crate::cli::run::news::{News, Program};

/// A command that runs, with this program's standard streams and console. While it runs it ends with this
/// program, however that ends, and so does what it starts from the moment at which it is in the job; what
/// it leaves behind once it has ended goes on.
pub struct Process {
    child: Arc<SharedChild>,
    /// Ends all that is in it when it is closed; `None` once that has happened.
    job: Mutex<Option<Job>>,
}

impl Process {
    /// Starts a command whose end is told to `news`.
    pub fn start(program: &Program<'_>, news: Sender<News>) -> io::Result<Process> {
        let job = job().map_err(io::Error::other)?;
        let child = command(program).spawn()?;
        // One that has ended already can be put nowhere. A Windows that refuses it for another reason leaves
        // the command without that protection, which is better than no deployment.
        let _ = job.assign_process(child.as_raw_handle() as isize);
        let child = Arc::new(SharedChild::new(child)?);
        let waiting = child.clone();
        let work = move || {
            let _ = waiting.wait();
            // Nobody listens any more if it was not to be waited for.
            let _ = news.send(News::Ended);
        };
        let waiter = thread::Builder::new().name("versioner-command".to_owned());
        if let Err(error) = waiter.spawn(work) {
            let _ = child.kill();
            return Err(error);
        }
        Ok(Process {
            child,
            job: Mutex::new(Some(job)),
        })
    }

    /// The console has told it already.
    pub fn signal(&self, _: i32) -> io::Result<()> {
        Ok(())
    }

    /// There is no way to ask a program that does not listen to its console.
    pub fn ask_to_end(&self) -> io::Result<()> {
        self.kill()
    }

    /// The command first: what a job ends by being closed looks like a success.
    pub fn kill(&self) -> io::Result<()> {
        let killed = self.child.kill();
        drop(self.take_job());
        killed
    }

    /// How it ended, once that is told. What it leaves behind goes on, as everywhere.
    pub fn end(self) -> io::Result<ExitStatus> {
        if let Some(job) = self.take_job() {
            // If it cannot be let go, it ends with this program.
            let _ = job.set_extended_limit_info(&ExtendedLimitInfo::new());
        }
        self.child.wait()
    }

    fn take_job(&self) -> Option<Job> {
        // A panic elsewhere leaves nothing half done in it.
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        job.take()
    }
}

fn job() -> Result<Job, JobError> {
    let mut limits = ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    Job::create_with_limit_info(&limits)
}

fn command(program: &Program<'_>) -> Command {
    let mut command = Command::new(program.file);
    command.args(program.arguments);
    for name in program.removed {
        command.env_remove(name);
    }
    command.envs(program.variables.iter().map(|(name, value)| (name, value)));
    command
}
