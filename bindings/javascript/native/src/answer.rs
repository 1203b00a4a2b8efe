//! The core's results as texts, and as what JavaScript throws.

use napi::Status;
use versioner::{Error, Outcome};

/// Every value of an outcome. Details and data are texts in it, because JavaScript's numbers
/// cannot hold what every JSON number says.
pub fn text(ended: Result<Outcome, Error>) -> String {
    let mut values = ended.unwrap_or_else(Error::into_outcome).to_json();
    for name in ["details", "data"] {
        if let Some(value) = values.get_mut(name) {
            *value = match value.is_null() {
                true => "".into(),
                false => value.to_string().into(),
            };
        }
    }
    values.to_string()
}

/// What a call throws that returns at once.
pub fn thrown(error: Error) -> napi::Error {
    napi::Error::new(Status::GenericFailure, text(Err(error)))
}
