//! What no case may show on a terminal or in the log of a CI system, whatever it is about.

/// Commands of Azure Pipelines and TeamCity, and of older runners of GitHub, anywhere in a line.
const MARKS: [&str; 3] = ["##[", "##vso[", "##teamcity["];
/// The commands that the command line means, in GitHub Actions.
const MEANT: [&str; 2] = ["::error title=", "::warning title="];

/// All that a stream may not show.
pub fn differences(name: &str, stream: &str, is_in_github: bool) -> Vec<String> {
    let mut found = Vec::new();
    let steers = |character: &char| {
        let is_odd = character.is_control() && !"\n\t".contains(*character);
        is_odd || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(character) = stream.chars().find(steers) {
        found.push(format!(
            "{name}: {character:?} steers a terminal in {stream:?}"
        ));
    }
    for line in stream.lines().map(str::trim_start) {
        let is_meant = is_in_github && MEANT.iter().any(|meant| line.starts_with(meant));
        let is_command = line.starts_with("::") && !is_meant;
        if is_command || MARKS.iter().any(|mark| line.contains(mark)) {
            found.push(format!("{name}: a CI system would obey {line:?}"));
        }
    }
    found
}
