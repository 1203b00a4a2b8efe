//! What keeps the two sides of the boundary safe from each other: panics, strings, structs.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Once;

use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::outcome::Error;

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

thread_local! {
    static PANIC_PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the place of a panic instead of printing it: the library never prints, and the hook is
/// the library's own, because it carries its own copy of the standard library.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            PANIC_PLACE.set(place.unwrap_or_default());
        }));
    });
}

/// Turns a panic into a result of kind internal, so that the caller learns of it.
pub(super) fn contained<T>(
    kind: Option<EventKind>,
    call: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    silence_panics();
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        let message = format!(
            "internal fault of libversioner {} at {}; please report it. Whether the event was \
             recorded is unknown",
            env!("CARGO_PKG_VERSION"),
            PANIC_PLACE.take(),
        );
        Err(Failure::new(Kind::Internal, message)
            .into_outcome(kind)
            .into())
    })
}

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
/// `repr(C)`, its first member a `usize`, and valid if every byte is zero.
pub(super) unsafe trait Versioned: Sized {
    /// What messages call it.
    const NAME: &'static str;

    /// Start and end of every member, in bytes.
    const MEMBERS: &'static [(usize, usize)];
}

/// Makes a struct [`Versioned`]. A member that the list leaves out does not compile.
macro_rules! versioned {
    ($name:ident { $($member:ident),* $(,)? }) => {
        // SAFETY: repr(C), the size comes first, and zero is NULL, None or 0 in every member.
        unsafe impl $crate::ffi::boundary::Versioned for $name {
            const NAME: &'static str = stringify!($name);
            const MEMBERS: &'static [(usize, usize)] = &[$({
                const fn size<T>(_: fn(&$name) -> &T) -> usize {
                    size_of::<T>()
                }
                let start = ::std::mem::offset_of!($name, $member);
                (start, start + size(|whole| &whole.$member))
            },)*];
        }

        const _: fn($name) = |whole| {
            let $name { $($member: _,)* } = whole;
        };
    };
}
pub(super) use versioned;

/// Beyond any version of a struct: a size above is no size but garbage.
const MAX_STRUCT_BYTES: usize = 64 * 1024;

/// A copy of the caller's struct in this library's version of it: what an older caller does not
/// have is unset; what a newer one has as well must be unset.
///
/// # Safety
/// `given` is NULL or points to as many bytes as its first member says.
pub(super) unsafe fn copy<T: Versioned>(given: *const T) -> Result<Option<T>, Failure> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the first member is the size. It may be in a packed buffer.
    let size = unsafe { ptr::read_unaligned(given.cast::<usize>()) };
    let failure = |problem: &str| {
        let name = T::NAME;
        Failure::argument(
            "struct_size",
            format!(
                "{name}.struct_size is {size}: {problem}; initialise it with {}_INIT",
                name.to_uppercase()
            ),
        )
    };
    // Half a pointer would be followed into nowhere.
    let is_cut = |(start, end): &(usize, usize)| *start < size && size < *end;
    if size < size_of::<usize>() || size > MAX_STRUCT_BYTES || T::MEMBERS.iter().any(is_cut) {
        return Err(failure("no version of it has this size"));
    }
    let own = size_of::<T>();
    if size > own {
        // SAFETY: the caller's struct has `size` bytes, more than this version's.
        let rest = unsafe { std::slice::from_raw_parts(given.cast::<u8>().add(own), size - own) };
        if rest.iter().any(|byte| *byte != 0) {
            return Err(failure(
                "it uses members that this version of the library does not have",
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
