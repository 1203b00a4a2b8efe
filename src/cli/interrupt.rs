//! Signals that end a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::interrupt::Interrupt;

/// Raised by the first SIGINT or SIGTERM; the second ends the process. Before this is called a
/// signal ends it at once: a read of a file, for one, would be taken up again after a handler.
/// If signals cannot be caught, they end the process too.
pub fn on_signal() -> Interrupt {
    if cfg!(fuzzing) {
        // Nothing is sent; no handler is left behind by each of a million calls.
        return Interrupt::new(|| true);
    }
    let raised = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let code = 128 + signal;
        let second = signal_hook::flag::register_conditional_shutdown(signal, code, raised.clone());
        if second.is_ok() {
            let _ = signal_hook::flag::register(signal, raised.clone());
        }
    }
    Interrupt::new(move || raised.load(Ordering::Relaxed))
}
