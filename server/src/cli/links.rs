//! Links that let a person in once.

use super::{Failure, done, machine, now};
use crate::auth::tokens::Token;
use crate::store::Directory;
use crate::store::flow::{Command, SessionCommand};

/// Makes a link for a person of an account; without one, for whoever becomes its first admin. Only who
/// reads the answer knows it.
pub fn make(
    directory: &Directory,
    account: &str,
    person_id: Option<&str>,
    base: &str,
) -> Result<String, Failure> {
    let token = Token::new(account)?;
    let command = SessionCommand::MakeLink {
        link: token.proof(),
        person_id: person_id.map(str::to_owned),
    };
    done(directory.write(account, &machine(), Command::Session(command), now())?)?;
    let page = match person_id {
        Some(_) => "login/link",
        None => "setup",
    };
    Ok(format!("{base}/manage/{page}?token={}", token.reveal()))
}
