//! What keeps the two sides of the boundary safe from each other: panics, strings, structs.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

use crate::model::failure::Failure;

/// The body of an export: a panic ends here and gives the fallback instead.
macro_rules! boundary {
    ($fallback:expr, $body:block) => {
        match ::std::panic::catch_unwind(::std::panic::AssertUnwindSafe(|| $body)) {
            Ok(value) => value,
            Err(_) => $fallback,
        }
    };
}
pub(super) use boundary;

/// The text behind a pointer; NULL is the empty text.
///
/// # Safety
/// `pointer` is NULL or a NUL-terminated string.
pub(super) unsafe fn text(name: &'static str, pointer: *const c_char) -> Result<String, Failure> {
    if pointer.is_null() {
        return Ok(String::new());
    }
    // SAFETY: not NULL, and NUL-terminated as the caller promises.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    match bytes.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Failure::argument(
            name,
            format!("{name} is not valid UTF-8"),
        )),
    }
}

/// A struct whose first member is its size, which tells versions of it apart.
///
/// # Safety
/// `repr(C)`, its first member a `usize`, and valid where every byte is zero.
pub(super) unsafe trait Versioned: Sized {
    /// What messages call it.
    const NAME: &'static str;
}

/// A copy of the caller's struct in this library's version of it: what an older caller does not
/// have is unset; what a newer one has besides must be unset.
///
/// # Safety
/// `given` is NULL or points to as many bytes as its first member says.
pub(super) unsafe fn copy<T: Versioned>(given: *const T) -> Result<Option<T>, Failure> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the first member is the size. It may be in a packed buffer.
    let size = unsafe { ptr::read_unaligned(given.cast::<usize>()) };
    let failure = |problem: String| {
        let name = T::NAME;
        Failure::argument(
            "struct_size",
            format!(
                "{name}.struct_size is {size}: {problem}; initialise it with {}_INIT",
                name.to_uppercase()
            ),
        )
    };
    if size < size_of::<usize>() || size > MAX_STRUCT_BYTES {
        return Err(failure("no such size is known".to_owned()));
    }
    let own = size_of::<T>();
    if size > own {
        // SAFETY: the caller's struct has `size` bytes, more than this version's.
        let rest = unsafe { std::slice::from_raw_parts(given.cast::<u8>().add(own), size - own) };
        if rest.iter().any(|byte| *byte != 0) {
            return Err(failure(
                "it uses members that this version of the library does not have".to_owned(),
            ));
        }
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: both sides have at least `size.min(own)` bytes and do not overlap; what is not
    // copied stays zero, which `Versioned` says is valid.
    Ok(Some(unsafe {
        ptr::copy_nonoverlapping(
            given.cast::<u8>(),
            copy.as_mut_ptr().cast::<u8>(),
            size.min(own),
        );
        copy.assume_init()
    }))
}

/// Beyond any version of a struct: a size above is no size but garbage.
const MAX_STRUCT_BYTES: usize = 64 * 1024;

/// Fills a struct with zeros and its size; NULL is left alone.
///
/// # Safety
/// `target` is NULL or points to a `T`.
pub(super) unsafe fn init<T: Versioned>(target: *mut T) {
    if target.is_null() {
        return;
    }
    // SAFETY: not NULL and as large as a `T`, whose first member is its size.
    unsafe {
        ptr::write_bytes(target, 0, 1);
        ptr::write(target.cast::<usize>(), size_of::<T>());
    }
}

/// A C string; what stands after a NUL in the text is still shown, the NUL is not.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| CString::new(text.replace('\0', "")).unwrap_or_default())
}
