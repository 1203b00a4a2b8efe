//! Those who tell the server, are told by it, and decide in Slack, while servers are killed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::foreign::Foreign;
use crate::guarded::{Guarded, environments};
use crate::http::Api;
use crate::receiver::Receiver;
use crate::slack::{Clicking, Slack};

/// How long the first questions may take to be asked.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Elsewhere {
    foreign: Foreign,
    receiver: Receiver,
    clicking: Clicking,
    guarded: Guarded,
    is_over: Arc<AtomicBool>,
}

impl Elsewhere {
    /// Sets everything up at a server that nobody kills yet, and lets it go on through the link. Returns
    /// when people are asked something everywhere.
    pub fn start(
        slack: Slack,
        api: &Api,
        link: SocketAddr,
        chance: &Arc<Chance>,
    ) -> io::Result<Elsewhere> {
        let is_over = Arc::new(AtomicBool::new(false));
        let receiver = Receiver::start(api, chance)?;
        let questions = Arc::clone(&slack.shared);
        let environments = environments();
        let clicking = slack.click(api, link, &environments, &is_over)?;
        let guarded = Guarded::start(&api.key, link, &questions, &is_over);
        let foreign = Foreign::start(api, link, chance, &is_over)?;
        let begin = Instant::now();
        while questions.asked() < environments.len() {
            if begin.elapsed() > PATIENCE {
                return Err(io::Error::other("nobody is asked anything in Slack"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Elsewhere {
            foreign,
            receiver,
            clicking,
            guarded,
            is_over,
        })
    }

    /// Lets what has begun end.
    pub fn finish(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether nothing was lost, and nothing counted twice, by what a server says that is not killed.
    pub fn judge(self, api: &Api) -> io::Result<bool> {
        let guarded = self.guarded.judge()?;
        let clicks = self.clicking.judge(api)?;
        let foreign = self.foreign.judge(api)?;
        // Last, as all that came before is told.
        Ok(guarded & clicks & foreign & self.receiver.judge(api)?)
    }
}
