//! Why a call came to nothing.

use std::time::Duration;

/// Why a call came to nothing. It names the host at most: an address can have a secret in its path.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The address cannot be called at all.
    #[error("the address cannot be called: {0}")]
    Url(&'static str),
    /// The server does not call it.
    #[error(
        "{host} leads to {what}, which this server does not call; whoever runs it can allow that with \
         --webhook-allow-net, and finds the address in its log"
    )]
    Refused {
        /// The host.
        host: String,
        /// What its addresses are.
        what: &'static str,
    },
    /// Nobody knows the name.
    #[error("{host} cannot be found: {reason}")]
    Unknown {
        /// The host.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// Nobody is there.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The proxy does not let it through.
    #[error("the proxy does not lead to {host}: {reason}")]
    Proxy {
        /// The host.
        host: String,
        /// What the proxy says.
        reason: String,
    },
    /// There is no encrypted connection to whom it should be.
    #[error("no encrypted connection to {host}: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// It took too long.
    #[error("{host} did not answer within {} seconds", .limit.as_secs_f32())]
    Slow {
        /// The host.
        host: String,
        /// How long was waited.
        limit: Duration,
    },
    /// What came is no answer, or broke off.
    #[error("{host} gave no whole answer: {reason}")]
    Broken {
        /// The host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The answer is larger than it may be.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// How large it may be.
        limit: usize,
    },
    /// The certificates of this machine cannot be read.
    #[error("no connection can be encrypted: {0}")]
    Certificates(String),
}
