//! Keeps panics from Python, where one would pass through `except Exception`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of `call`, or of what it panicked with.
///
/// Whoever calls drops what the panic may have left half done.
pub fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let said = message(&*panic);
        format!("internal fault of versioner ({said}); please report it")
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic")
}
