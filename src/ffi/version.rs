//! Section 1 of the header: the version.

use std::ffi::c_char;

use super::boundary::boundary;

/// Raised by hand when a program that was compiled before would break; nothing else raises it.
/// The soname ends with it too.
const ABI_VERSION: u32 = 0;

/// The version of the library that is running, such as "0.1.0". Never NULL; valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn versioner_version() -> *const c_char {
    boundary!(c"".as_ptr(), {
        concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
    })
}

/// The ABI version of the library that is running. A program that was compiled with another
/// VERSIONER_ABI_VERSION must not use it.
#[unsafe(no_mangle)]
pub extern "C" fn versioner_abi_version() -> u32 {
    boundary!(0, { ABI_VERSION })
}
