//! Dependencies point one way. A room is a folder of `src`, or a file beside them.

use std::path::{Path, PathBuf};

/// What each room may name: itself, and these.
const KNOWS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("input", &["model"]),
    ("send", &["model", "input"]),
    ("report", &["model"]),
    ("outbox", &["model", "input", "send"]),
    ("wait", &["model", "input", "send"]),
    ("client.rs", &["model", "input", "send", "outbox", "wait"]),
    ("client", &["model", "input", "send", "outbox", "wait"]),
    (
        "span",
        &["model", "input", "send", "outbox", "wait", "client"],
    ),
    (
        "cli",
        &["model", "input", "report", "client", "span", "outbox"],
    ),
    ("ffi", &["model", "input", "client", "span"]),
];

fn files(path: PathBuf) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path];
    }
    let entries = std::fs::read_dir(path).expect("a room");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(files).collect()
}

#[test]
fn no_room_knows_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (room, knows) in KNOWS {
        let own = room.trim_end_matches(".rs");
        for file in files(src.join(room)) {
            let text = std::fs::read_to_string(&file).expect("source text");
            for named in text.split("crate::").skip(1) {
                let end = named.find(|next: char| !next.is_ascii_lowercase());
                let named = &named[..end.unwrap_or(named.len())];
                let is_room = KNOWS
                    .iter()
                    .any(|(room, _)| room.trim_end_matches(".rs") == named);
                if is_room && named != own && !knows.contains(&named) {
                    wrong.push(format!("{} knows {named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
