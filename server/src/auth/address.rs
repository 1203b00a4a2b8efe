//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::request::Parts;
use ipnet::IpNet;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Whom a request comes from: the other end of its connection, or whoever a trusted proxy there says
/// it sends it for. What stands further left in `X-Forwarded-For` anybody can have written.
pub fn client(parts: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let Peer(peer) = parts.extensions.get::<Peer>()?;
    let is_proxy = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let headers = parts.headers.get_all("x-forwarded-for");
    let named: Vec<&str> = headers
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for name in named.iter().rev() {
        if !is_proxy(client) {
            break;
        }
        match read(name.trim()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    Some(client)
}

/// An address as proxies write it: bare, or with a port.
fn read(text: &str) -> Option<IpAddr> {
    let unbracketed = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    match unbracketed {
        Some((address, _)) => address.parse().ok(),
        None => text.parse().ok().or_else(|| {
            let (address, _) = text.split_once(':')?;
            address.parse().ok()
        }),
    }
}

/// What is counted as one place: a customer of a network has a whole /64 of IPv6 addresses.
pub fn place(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn client_of(peer: &str, forwarded: &[&str]) -> String {
        let mut request = Request::builder().extension(Peer(peer.parse().unwrap()));
        for value in forwarded {
            request = request.header("X-Forwarded-For", *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client(&parts, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_whom_it_sends_for() {
        for (peer, forwarded, client) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.1.2.3", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.1.2.3", &["198.51.100.7:4711"], "198.51.100.7"),
            ("::1", &["[2001:db8::7]:80"], "2001:db8::7"),
            (
                "::1",
                &["6.6.6.6, 198.51.100.7", "10.9.9.9"],
                "198.51.100.7",
            ),
            ("10.1.2.3", &["198.51.100.7, unknown"], "10.1.2.3"),
            ("10.1.2.3", &[], "10.1.2.3"),
        ] {
            assert_eq!(client_of(peer, forwarded), client, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn one_network_of_ipv6_is_one_place() {
        let place_of = |text: &str| place(text.parse().unwrap());
        assert_eq!(place_of("2001:db8::1"), place_of("2001:db8::ffff:1"));
        assert_ne!(place_of("2001:db8::1"), place_of("2001:db8:0:1::1"));
        assert_ne!(place_of("192.0.2.1"), place_of("192.0.2.2"));
    }
}
