//! What readers answer: the record as the API shows it, whatever database it comes from.

mod audit;
mod board;
mod lists;
mod places;
mod standing;
mod story;

pub use audit::LogRow;
pub use board::{
    Attempt, Attention, Board, BoardCell, BoardEnvironment, BoardFilter, BoardRow, Drift, GoesOn,
    Placed, WaitingStart,
};
pub use lists::{Build, Cursor, Deployment, Environment, Filter, Listing, Page, Product, Version};
pub use places::{
    Commit, CommitPlace, CommitVersion, Compared, Comparison, Difference, InProgress, Matrix,
    MatrixCell, MatrixProduct, Running,
};
pub use standing::CellStanding;
pub use story::{DeploymentStory, StoryPage, Told};
