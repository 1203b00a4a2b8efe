//! The style sheet and the module, under addresses that change with their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::error::PageError;

/// One file.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    address: LazyLock<String>,
}

static STYLE: Asset = Asset {
    name: "style.css",
    kind: "text/css; charset=utf-8",
    text: include_str!("../../assets/style.css"),
    address: LazyLock::new(|| STYLE.made_address()),
};
static MODULE: Asset = Asset {
    name: "module.js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("../../assets/module.js"),
    address: LazyLock::new(|| MODULE.made_address()),
};

impl Asset {
    fn made_address(&self) -> String {
        let hash = Sha256::digest(self.text);
        let hash: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("/manage/assets/{hash}/{}", self.name)
    }
}

/// Where the style sheet is.
pub fn style() -> &'static str {
    &STYLE.address
}

/// Where the module is.
pub fn module() -> &'static str {
    &MODULE.address
}

/// Answers with a file. While servers of two versions run side by side, a page of one may ask the
/// other: it gets what there is, and does not keep it.
pub async fn asset(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(asset) = [&STYLE, &MODULE]
        .into_iter()
        .find(|asset| asset.name == name)
    else {
        return PageError::NotFound("file").into_response();
    };
    let is_present = *asset.address == format!("/manage/assets/{hash}/{name}");
    let cache = match is_present {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    (headers, asset.text).into_response()
}
