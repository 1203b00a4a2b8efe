//! What a CI system can tell about a run, and where it told it.

/// What a CI system can tell. A field of an event names the one that it is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    SourceSystem,
    Product,
    Version,
    Environment,
    BuildNumber,
    Sha,
    Branch,
    Repository,
    InvokeId,
    RunUrl,
    Actor,
    ActorEmail,
    ActorName,
}

/// A text that was found in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The text itself.
    pub text: String,
    /// The variable that it was taken from; of several, the one that says most.
    pub variable: &'static str,
}
