//! What templates write: names from outside, and times.

use askama::filters::Safe;
use askama::{Result, Values};

use super::format;

/// A text from outside: escaped, and what nobody sees in it is named, so that no name looks like
/// another.
#[askama::filter_fn]
pub fn shown(text: impl AsRef<str>, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marked(text.as_ref())))
}

/// The same for an attribute, which holds no markup.
#[askama::filter_fn]
pub fn named(text: impl AsRef<str>, _: &dyn Values) -> Result<String> {
    Ok(format::attribute(text.as_ref()))
}

/// A text of several lines from outside.
#[askama::filter_fn]
pub fn lines(text: impl AsRef<str>, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(format::lines(text.as_ref()).to_string()))
}

/// How long ago something was, as a time that says exactly when.
#[askama::filter_fn]
pub fn age(at: &i64, _: &dyn Values, now: &i64) -> Result<Safe<String>> {
    Ok(Safe(format::age(*at, *now).to_string()))
}

/// A moment to the minute.
#[askama::filter_fn]
pub fn moment(at: &i64, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(format::element(*at, &format::moment(*at)).to_string()))
}

/// A text from outside as markup that shows it.
pub fn marked(text: &str) -> String {
    format::text(text).to_string()
}
