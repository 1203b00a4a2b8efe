//! Keeps this library in memory.
//!
//! It is unloaded with the class loader that loaded it, which is right for a CI server that
//! makes a class loader per run. But a call that was cut short leaves a thread that still looks
//! up a name or connects; unloading its code would end the process.

use std::ffi::c_void;
use std::sync::Once;

use versioner::Outcome;

static PIN: Once = Once::new();

/// Keeps this library loaded until the process ends.
pub fn pin() {
    PIN.call_once(keep_loaded);
}

#[cfg(unix)]
fn keep_loaded() {
    use std::mem::MaybeUninit;

    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    let own: *const c_void = (&raw const PIN).cast();
    // SAFETY: an address of this library, and room for what is found, all zero until then.
    let found = unsafe {
        libc::dladdr(own, found.as_mut_ptr());
        found.assume_init()
    };
    if !found.dli_fname.is_null() {
        // SAFETY: the name that the loader knows this library by. Nothing is loaded; the handle is
        // kept open on purpose.
        unsafe { libc::dlopen(found.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
    }
}

#[cfg(windows)]
fn keep_loaded() {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };

    let own: *const c_void = (&raw const PIN).cast();
    let mut handle = std::ptr::null_mut();
    // SAFETY: an address of this library in place of a name, as the flag says, and room for the
    // handle.
    unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            own.cast(),
            &raw mut handle,
        )
    };
}

/// Keeps this library loaded if a call may have left a thread behind that still connects: when the
/// only or a first attempt had no answer.
pub fn unless_answered(outcome: &Outcome) {
    if outcome.attempts > 1 || (outcome.attempts == 1 && outcome.http_status == 0) {
        pin();
    }
}
