//! What stands around every page.

use askama::Template;
use askama::filters::Safe;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::assets;
use super::error::PageError;
use super::once;

/// Which link of the navigation leads to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// What runs where.
    Matrix,
    /// What happened.
    History,
    /// Two environments side by side.
    Compare,
    /// Who must say yes.
    Approvals,
    /// The rules.
    Rules,
    /// The four figures.
    Figures,
    /// What is somebody's own, and what admins look after.
    Me,
    /// None of them.
    Elsewhere,
}

/// A link of the navigation.
pub struct Item {
    /// The page that it leads to.
    pub here: Here,
    /// Its address.
    pub address: &'static str,
    /// What it says.
    pub label: &'static str,
}

/// The most that a link of the navigation counts.
pub const MOST_COUNTED: usize = 9;

const NAVIGATION: [Item; 6] = [
    Item {
        here: Here::Matrix,
        address: "/manage/",
        label: "Matrix",
    },
    Item {
        here: Here::History,
        address: "/manage/history",
        label: "History",
    },
    Item {
        here: Here::Compare,
        address: "/manage/compare",
        label: "Compare",
    },
    Item {
        here: Here::Approvals,
        address: "/manage/approvals",
        label: "Approvals",
    },
    Item {
        here: Here::Rules,
        address: "/manage/rules",
        label: "Rules",
    },
    Item {
        here: Here::Figures,
        address: "/manage/figures",
        label: "Figures",
    },
];

/// What the layout shows around a page.
pub struct Frame {
    /// Whom it is shown to; without a name there is no navigation.
    pub name: Option<String>,
    /// Which link of the navigation leads here.
    pub here: Here,
    /// How many starts wait for them to say yes.
    pub waits: usize,
    /// What tells the forms of the page from those of others.
    pub token: String,
}

impl Frame {
    /// The frame for nobody yet.
    pub fn bare() -> Frame {
        Frame {
            name: None,
            here: Here::Elsewhere,
            waits: 0,
            token: String::new(),
        }
    }

    /// The field by which a form that is sent twice does what it says once. It goes into each form that
    /// makes something.
    pub fn once(&self) -> Safe<String> {
        let (name, token) = (once::FIELD, &self.token);
        Safe(format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{token}\">"
        ))
    }

    /// Where the style sheet is.
    pub fn style(&self) -> &'static str {
        assets::style()
    }

    /// Where the module is.
    pub fn module(&self) -> &'static str {
        assets::module()
    }

    /// The links of the navigation.
    pub fn navigation(&self) -> &'static [Item] {
        &NAVIGATION
    }

    /// What is to be said beside a link of the navigation, if anything.
    pub fn count(&self, item: &Item) -> Option<String> {
        match self.waits {
            0 => None,
            _ if item.here != Here::Approvals => None,
            more if more > MOST_COUNTED => Some(format!("{MOST_COUNTED}+")),
            count => Some(count.to_string()),
        }
    }

    /// Whether the page is somebody's own.
    pub fn is_own(&self) -> bool {
        self.here == Here::Me
    }
}

/// The page.
pub fn show(page: &impl Template) -> Response {
    show_as(StatusCode::OK, page)
}

/// The page with another status, such as 422 for a form that is to be mended.
pub fn show_as(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, html)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be drawn");
            PageError::Broken.into_response()
        }
    }
}
