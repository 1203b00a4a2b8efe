//! Any arguments, a NUL between them: an exit code of the contract, and nothing is sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fuzz_target!(|bytes: &[u8]| {
    let arguments = bytes
        .split(|byte| *byte == 0)
        .map(|text| OsString::from_vec(text.to_vec()));
    let code = versioner::cli::main(std::iter::once("versioner".into()).chain(arguments));
    assert!((0..=1).contains(&code), "exit code {code}");
});
