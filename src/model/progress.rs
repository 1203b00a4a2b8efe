//! What a call that waits tells its host meanwhile.

use std::fmt;
use std::sync::Arc;

type Receive = dyn Fn(&str, bool) + Send + Sync;

/// Receives what a start that waits has come to, a line at a time, without the API key. Default:
/// each change is logged at [`Level::Info`](crate::Level::Info). Called on the thread that waits.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Receive>>);

impl Progress {
    /// Sends every line to `receive`, which must not block for long. The second argument is false
    /// if only the time has moved on, which a log leaves out.
    pub fn new(receive: impl Fn(&str, bool) + Send + Sync + 'static) -> Self {
        Progress(Some(Arc::new(receive)))
    }

    /// Whether somebody took the line.
    pub(crate) fn tell(&self, line: &str, is_change: bool) -> bool {
        match &self.0 {
            Some(receive) => {
                receive(line, is_change);
                true
            }
            None => false,
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
