//! Where badges and feeds are, for whoever has just made their key.

use crate::auth::keys::ApiKey;

/// What a key for sharing opens, ready to be pasted: a badge for a README in Markdown, and the feeds. A
/// key that is for more than one product or environment leaves their names to be filled in.
pub fn links(
    base: &str,
    key: &ApiKey,
    products: &[String],
    environments: &[String],
) -> Vec<(&'static str, String)> {
    let token = key.reveal();
    let product = only(products);
    let environment = only(environments);
    let segment = |name: Option<&str>, instead: &str| match name {
        // Only in a form is a blank a plus.
        Some(name) => encoded(name).replace('+', "%20"),
        None => instead.to_owned(),
    };
    let badge = format!(
        "{base}/badge/{}/{}.svg?token={token}",
        segment(product, "PRODUCT"),
        segment(environment, "ENVIRONMENT"),
    );
    let page = match product {
        Some(product) => format!("{base}/manage/products?product={}", encoded(product)),
        None => format!("{base}/manage/"),
    };
    vec![
        (
            "Badge in Markdown",
            format!("[![deployed]({badge})]({page})"),
        ),
        (
            "Feed of deployments",
            format!("{base}/feed/deployments.atom?token={token}"),
        ),
        (
            "Feed of approvals that wait",
            format!("{base}/feed/approvals.atom?token={token}"),
        ),
    ]
}

fn only(names: &[String]) -> Option<&str> {
    match names {
        [name] => Some(name),
        _ => None,
    }
}

/// A name in an address. Brackets would end a link of Markdown.
fn encoded(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_addresses_as_they_must() {
        let key = ApiKey::of("local", "k2", "abc");
        let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let made = links(
            "https://v.example",
            &key,
            &names(&["a b/(c)]+ü"]),
            &names(&["prod"]),
        );
        assert_eq!(
            made[0].1,
            "[![deployed](https://v.example/badge/a%20b%2F%28c%29%5D%2B%C3%BC/prod.svg\
             ?token=sk_local_k2_abc)](https://v.example/manage/products?product=a+b%2F%28c%29%5D%2B%C3%BC)"
        );
        let open = links("https://v.example", &key, &names(&["a", "b"]), &[]);
        assert!(open[0].1.contains("/badge/PRODUCT/ENVIRONMENT.svg?token="));
    }
}
