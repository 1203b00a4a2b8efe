//! A badge: what version of a product is in an environment.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::{answer, markup, named, open, refusal};
use crate::api::App;
use crate::api::error::ApiError;
use crate::domain::deployment::State as Stage;
use crate::domain::naming::Kind;
use crate::pages::{Query, attribute, storable};
use crate::store::views::CellStanding;

const SVG: &str = "image/svg+xml; charset=utf-8";
/// The most characters of a name.
const MOST: usize = 40;
/// The widths of the characters from blank to tilde in Verdana at 11 px, in tenths of a pixel.
const WIDTHS: [u16; 95] = [
    39, 43, 50, 90, 70, 118, 80, 30, 50, 50, 70, 90, 40, 50, 40, 50, 70, 70, 70, 70, 70, 70, 70,
    70, 70, 70, 50, 50, 90, 90, 90, 60, 110, 75, 75, 77, 85, 70, 63, 85, 83, 46, 50, 76, 61, 93,
    82, 87, 66, 87, 76, 75, 68, 81, 75, 109, 75, 68, 75, 50, 50, 50, 90, 70, 70, 66, 69, 57, 69,
    66, 39, 69, 70, 30, 38, 65, 30, 107, 70, 67, 69, 69, 47, 57, 43, 70, 65, 90, 65, 65, 58, 70,
    50, 70, 90,
];
/// What another character takes at most.
const WIDE: u16 = 120;

/// A colour with a meaning, as on the pages; white is readable on each.
const WELL: &str = "#1b683a";
const MOVES: &str = "#1a4fa3";
const BROKEN: &str = "#b0201b";
const NOTHING: &str = "#535e6a";

/// The badge of a product in an environment.
pub async fn show(
    State(app): State<Arc<App>>,
    Path((product, file)): Path<(String, String)>,
    query: Query,
    parts: Parts,
) -> Response {
    let place = match file.strip_suffix(".svg") {
        Some(environment) => (storable(&product), storable(environment)),
        None => return refused(&ApiError::NotFound("Not Found".to_owned())),
    };
    match standing(&app, &parts, &query, &place).await {
        Ok(standing) => {
            let (message, colour) = words(&standing);
            answer(
                &parts.headers,
                SVG,
                draw(&place.1, &message, colour, &place.0),
            )
        }
        Err(error) => refused(&error),
    }
}

async fn standing(
    app: &Arc<App>,
    parts: &Parts,
    query: &Query,
    (product, environment): &(String, String),
) -> Result<CellStanding, ApiError> {
    let key = open(app, parts, query).await?;
    let product = named(&key, Kind::Product, product).await?;
    let environment = named(&key, Kind::Environment, environment).await?;
    let (Some(product), Some(environment)) = (product, environment) else {
        return Err(ApiError::NotFound("Not Found".to_owned()));
    };
    let standing = key.account.standing(product.id, environment.id, app.now());
    Ok(standing.await?)
}

/// Why there is no badge, as one, so that whoever looks at the README reads it.
fn refused(error: &ApiError) -> Response {
    let message = match error.status().as_u16() {
        401 => "key is not valid",
        403 => "key may do more than share",
        404 => "not found",
        429 => "asked too often",
        _ => "not now",
    };
    refusal(error, SVG, draw("versioner", message, NOTHING, "versioner"))
}

/// What a badge says, and its colour.
fn words(standing: &CellStanding) -> (String, &'static str) {
    let current = standing.current.as_deref().map(short);
    let beside = |what: String| match &current {
        Some(current) => format!("{current}, {what}"),
        None => what,
    };
    if let Some(version) = &standing.in_progress {
        return (beside(format!("{} in progress", short(version))), MOVES);
    }
    match &standing.latest {
        Some((version, Stage::Failed)) => (beside(format!("{} failed", short(version))), BROKEN),
        _ => match current {
            Some(current) => (current, WELL),
            None => ("nothing deployed".to_owned(), NOTHING),
        },
    }
}

/// The beginning of a name, with what nobody sees shown.
fn short(name: &str) -> String {
    let shown = attribute(name);
    match shown.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown,
    }
}

/// The width of a text, in tenths of a pixel.
fn width(text: &str) -> u32 {
    let of = |one: char| {
        let index = u32::from(one).wrapping_sub(32);
        let known = usize::try_from(index).ok().and_then(|at| WIDTHS.get(at));
        u32::from(*known.unwrap_or(&WIDE))
    };
    text.chars().map(of).sum()
}

/// Draws a badge. The browser is told how wide a text is, so that it fits in whatever font.
fn draw(label: &str, message: &str, colour: &str, product: &str) -> String {
    let label = short(label);
    let (left, right) = (width(&label) / 10 + 1, width(message) / 10 + 1);
    let (middle, whole) = (left + 10, left + right + 20);
    let title = markup(&format!("{} in {label}: {message}", short(product)));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" \
         aria-label=\"{title}\"><title>{title}</title>\
         <clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"3\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{middle}\" height=\"20\" fill=\"#3a434d\"/>\
         <rect x=\"{middle}\" width=\"{}\" height=\"20\" fill=\"{colour}\"/></g>\
         <g fill=\"#fff\" font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" font-size=\"11\">",
        right + 10
    );
    for (x, wide, text) in [(5, left, label.as_str()), (middle + 5, right, message)] {
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"14\" textLength=\"{wide}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            markup(text)
        );
    }
    svg.push_str("</g></svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_says_what_runs_and_what_became_of_the_last_attempt() {
        let of = |current: Option<&str>, latest: Option<(&str, Stage)>, going: Option<&str>| {
            let standing = CellStanding {
                current: current.map(str::to_owned),
                latest: latest.map(|(version, state)| (version.to_owned(), state)),
                in_progress: going.map(str::to_owned),
            };
            words(&standing)
        };
        let failed = Some(("2", Stage::Failed));
        for (standing, message, colour) in [
            (of(None, None, None), "nothing deployed", NOTHING),
            (of(Some("1"), None, None), "1", WELL),
            (of(Some("1"), failed, None), "1, 2 failed", BROKEN),
            (of(None, failed, None), "2 failed", BROKEN),
            (of(Some("1"), failed, Some("3")), "1, 3 in progress", MOVES),
            (of(None, None, Some("3")), "3 in progress", MOVES),
            (of(Some("1"), Some(("2", Stage::Aborted)), None), "1", WELL),
            (
                of(None, Some(("2", Stage::PreflightFailed)), None),
                "nothing deployed",
                NOTHING,
            ),
        ] {
            assert_eq!(standing, (message.to_owned(), colour));
        }
    }

    #[test]
    fn names_are_no_markup_and_no_text_leaves_its_place() {
        let hostile = "</text><script>\"'&\u{0}\u{b}\u{202e}\u{ffff}";
        let svg = draw(hostile, &short(hostile), WELL, hostile);
        for bad in [
            "<script", "\u{0}", "\u{b}", "\u{202e}", "\u{ffff}", "&\"", "& ",
        ] {
            assert!(!svg.contains(bad), "{bad:?} {svg}");
        }
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;&quot;&#39;&amp;U+0000U+000B"));
        let long = short(&"w".repeat(300));
        assert_eq!(long.chars().count(), MOST + 1);
        assert!(width("iii") < width("www") && width("www") < width("漢漢漢"));
    }
}
