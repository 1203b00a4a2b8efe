//! A panic of the native half becomes a text for an exception.

#[path = "../src/rust/boundary.rs"]
mod boundary;

use boundary::caught;

#[test]
fn a_panic_is_told_in_words() {
    std::panic::set_hook(Box::new(|_| {}));
    assert_eq!(caught(|| 7), Ok(7));
    for (panic, said) in [
        (caught(|| panic!("at {}", 7)), "at 7"),
        (caught(|| panic!("plain")), "plain"),
        (caught(|| std::panic::panic_any(7)), "a panic"),
    ] {
        let message: String = panic.map(|(): ()| String::new()).unwrap_err();
        assert!(message.contains(said), "{message}");
        assert!(message.contains("report it"), "{message}");
    }
}
