//! What a run leaves in its outbox, `${home}/outbox`.

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::judge::difference;
use crate::run::Run;
use crate::secrets::Secrets;

/// How many events each folder of the outbox holds; none of its files shows a key.
pub fn differences(run: &Run) -> Vec<String> {
    let path = run.home.path().join("outbox");
    let mut found = Vec::new();
    let expected = run.case.expect.get("outbox");
    for (name, folder) in [
        ("queued", ""),
        ("refused", "refused"),
        ("damaged", "damaged"),
    ] {
        let events = match events(&path.join(folder)) {
            Ok(events) => events,
            Err(error) => {
                found.push(format!("outbox, {name}: cannot be read: {error}"));
                continue;
            }
        };
        if events
            .iter()
            .any(|text| Secrets::of(&run.case).are_in(text, ""))
        {
            found.push(format!("outbox, {name}: an API key shows"));
        }
        let wanted = expected.and_then(|expected| expected.get(name));
        let wanted = wanted.and_then(Value::as_u64).unwrap_or(0);
        if wanted != events.len() as u64 {
            found.push(difference(
                &format!("outbox, {name}"),
                &wanted.into(),
                &events.len().into(),
            ));
        }
    }
    found
}

/// The texts of a folder's events; none if there is no folder.
fn events(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut texts = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_event = name.ends_with(".json") && !name.ends_with(".answer.json");
        if is_event && !name.starts_with('.') {
            texts.push(String::from_utf8_lossy(&std::fs::read(entry.path())?).into_owned());
        }
    }
    Ok(texts)
}
