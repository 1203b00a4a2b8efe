//! The command line in a process of Node.

use std::ffi::OsString;

use napi_derive::napi;

/// Runs the command line with these arguments, those after the program's name, and gives its exit
/// code.
#[napi]
pub fn run_command(arguments: Vec<String>) -> i32 {
    own::give_back();
    let program = OsString::from("versioner");
    let arguments = as_given(arguments);
    versioner::cli::main(std::iter::once(program).chain(arguments))
}

/// The arguments as the system has them: what is no text in them is replaced by JavaScript.
fn as_given(arguments: Vec<String>) -> Vec<OsString> {
    let own: Vec<OsString> = std::env::args_os().collect();
    match own.len().checked_sub(arguments.len()) {
        Some(first) if first > 0 => own[first..].to_vec(),
        _ => arguments.into_iter().map(OsString::from).collect(),
    }
}

/// Node takes signals and streams in hand for its own ends.
#[cfg(unix)]
mod own {
    use std::mem::MaybeUninit;
    use std::ptr;

    /// Lets a new process be as if Node were not in it.
    pub fn give_back() {
        signals();
        streams();
    }

    /// Node's way of ending at a signal would come before the command's. One that is ignored stays so,
    /// but not those that were when Node began: it takes them all back before it runs anything.
    fn signals() {
        for signal in [
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGHUP,
            libc::SIGQUIT,
            libc::SIGUSR1,
            libc::SIGUSR2,
        ] {
            let mut now = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: a signal that exists, nothing to set, and room for what is set.
            let known = unsafe { libc::sigaction(signal, ptr::null(), now.as_mut_ptr()) };
            // SAFETY: zeroed, which is valid, and written if the call succeeded.
            let now = unsafe { now.assume_init() };
            if known == 0 && now.sa_sigaction != libc::SIG_IGN {
                // SAFETY: the default action of a signal that exists.
                unsafe { libc::signal(signal, libc::SIG_DFL) };
            }
        }
    }

    /// The standard streams are kept from what is run, unless it is run by Node.
    fn streams() {
        for stream in [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO] {
            // SAFETY: a number, which need not be of an open file.
            let flags = unsafe { libc::fcntl(stream, libc::F_GETFD) };
            if flags >= 0 {
                // SAFETY: the flags that it has, less one.
                unsafe { libc::fcntl(stream, libc::F_SETFD, flags & !libc::FD_CLOEXEC) };
            }
        }
    }
}

#[cfg(not(unix))]
mod own {
    pub fn give_back() {}
}
