//! Keeps what runs at the end of a thread out of the threads of the virtual machine.
//!
//! A thread-local value that must be dropped is registered with the C library, which keeps the
//! library of its code loaded until the thread ends. A thread of a virtual machine may live as
//! long as the process, so one call on it would keep this library for ever, though its class
//! loader is gone. Rust's own code has such values, for spawning a thread and for waiting, and
//! there is no other way past them than the registration itself.
//!
//! So registrations made inside a call from Java are forgotten: the value is not dropped when the
//! thread ends, which costs its size, if it holds memory then. Threads that this library starts
//! register as ever, and keep it loaded until they end.
//!
//! That is glibc's way. musl and macOS never unload such a library, and Windows asks no library to
//! stay.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

thread_local! {
    // Needs no drop itself.
    static IS_OF_JAVA: Cell<bool> = const { Cell::new(false) };
}

/// Runs what Java called on its thread.
pub fn on_thread_of_java<T>(body: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            IS_OF_JAVA.set(self.0);
        }
    }
    let _reset = Reset(IS_OF_JAVA.replace(true));
    body()
}

type Destructor = unsafe extern "C" fn(*mut c_void);
type Register = unsafe extern "C" fn(Destructor, *mut c_void, *mut c_void) -> c_int;

/// The C library's function; none in glibc before 2.18.
fn original() -> Option<Register> {
    static ORIGINAL: OnceLock<Option<Register>> = OnceLock::new();
    *ORIGINAL.get_or_init(|| {
        // SAFETY: a name that ends in NUL. The one of this library is hidden, and not found.
        let found =
            unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__cxa_thread_atexit_impl".as_ptr()) };
        // SAFETY: the function has this type wherever it exists; null is none.
        unsafe { std::mem::transmute::<*mut c_void, Option<Register>>(found) }
    })
}

unsafe extern "C" fn register(
    destructor: Destructor,
    value: *mut c_void,
    library: *mut c_void,
) -> c_int {
    match original() {
        // SAFETY: passed on as the caller gave it.
        Some(original) if !IS_OF_JAVA.get() => unsafe { original(destructor, value, library) },
        _ => 0,
    }
}

// Hidden, so that it takes the place of the C library's function here and nowhere else. An
// attribute cannot say that.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".weak __cxa_thread_atexit_impl",
    ".hidden __cxa_thread_atexit_impl",
    ".type __cxa_thread_atexit_impl, @function",
    "__cxa_thread_atexit_impl:",
    "jmp {register}",
    register = sym register,
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".weak __cxa_thread_atexit_impl",
    ".hidden __cxa_thread_atexit_impl",
    ".type __cxa_thread_atexit_impl, %function",
    "__cxa_thread_atexit_impl:",
    "b {register}",
    register = sym register,
);
