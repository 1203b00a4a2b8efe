//! Which addresses the server calls. What an account's admin can name must not lead to what only the
//! machine can reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Where the machines of a cloud tell who they are, to whoever asks.
pub const LINK_LOCAL: &str = "a link-local network";

/// Networks of IPv4 that are nobody's on the internet, with what they are.
const REFUSED_V4: [(Ipv4Addr, u8, &str); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this machine"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private network"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "a provider's own network"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "this machine"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LINK_LOCAL),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private network"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a reserved network"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "a reserved network"),
    (Ipv4Addr::new(192, 31, 196, 0), 24, "a reserved network"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a reserved network"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private network"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "a reserved network"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "a reserved network"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "a reserved network"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a group of machines"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved network"),
];

/// Parts of `2000::/3`, the addresses of the internet, that lead elsewhere.
const REFUSED_V6: [(Ipv6Addr, u8, &str); 4] = [
    // Tunnels with an address of IPv4 in them (Teredo) among them.
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "a reserved network",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "a reserved network",
    ),
    (
        Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0),
        16,
        "an address of IPv4 in one of IPv6",
    ),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        "a reserved network",
    ),
];

/// A network that the server may call although it is private, with a port if only that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedNet {
    net: IpNet,
    port: Option<u16>,
}

impl AllowedNet {
    fn holds(&self, address: IpAddr, port: u16) -> bool {
        self.net.contains(&address) && self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for AllowedNet {
    type Err = String;

    fn from_str(text: &str) -> Result<AllowedNet, String> {
        let text = text.trim();
        let wrong = || {
            format!(
                "{text:?} is no network: write 10.0.0.0/8, 10.1.2.3:8443, fd00::/8 or [fd00::1]:8443"
            )
        };
        let net = |text: &str| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().or(address).map_err(|_| wrong())
        };
        if let Ok(net) = net(text) {
            return Ok(AllowedNet { net, port: None });
        }
        let (address, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = match address.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
            None => address,
        };
        let port = port.parse().ok().filter(|port| *port > 0);
        Ok(AllowedNet {
            net: net(bare)?,
            port: Some(port.ok_or_else(wrong)?),
        })
    }
}

impl fmt::Display for AllowedNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.net, self.port) {
            (net, None) => write!(f, "{net}"),
            (IpNet::V4(net), Some(port)) => write!(f, "{net}:{port}"),
            (IpNet::V6(net), Some(port)) => write!(f, "[{net}]:{port}"),
        }
    }
}

/// How the server stands to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Anybody can reach it.
    Public,
    /// It is private, and the server may call it.
    Allowed,
    /// The server does not call it: it is this.
    Refused(&'static str),
}

/// How the server stands to an address, with what is allowed beside the internet.
pub fn standing(allowed: &[AllowedNet], address: IpAddr, port: u16) -> Standing {
    // `::ffff:10.0.0.1` is 10.0.0.1.
    let address = address.to_canonical();
    match refusal(address) {
        None => Standing::Public,
        Some(_) if allowed.iter().any(|net| net.holds(address, port)) => Standing::Allowed,
        Some(what) => Standing::Refused(what),
    }
}

/// What an address is if it is not one of the internet.
fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => REFUSED_V4.iter().find_map(|(net, len, what)| {
            let net = Ipv4Net::new(*net, *len).ok()?;
            net.contains(&address).then_some(*what)
        }),
        IpAddr::V6(address) => {
            if address.segments()[0] & 0xe000 != 0x2000 {
                return Some(outside_of_internet(address));
            }
            REFUSED_V6.iter().find_map(|(net, len, what)| {
                let net = Ipv6Net::new(*net, *len).ok()?;
                net.contains(&address).then_some(*what)
            })
        }
    }
}

fn outside_of_internet(address: Ipv6Addr) -> &'static str {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => "this machine",
        [0xfc00..=0xfdff, ..] => "a private network",
        [0xfe80..=0xfebf, ..] => LINK_LOCAL,
        [0xff00..=0xffff, ..] => "a group of machines",
        [0x64, 0xff9b, ..] | [0, 0, 0, 0, 0, 0, ..] => "an address of IPv4 in one of IPv6",
        _ => "a reserved network",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(allowed: &[&str], address: &str, port: u16) -> Standing {
        let allowed: Vec<AllowedNet> = allowed.iter().map(|net| net.parse().unwrap()).collect();
        standing(&allowed, address.parse().unwrap(), port)
    }

    #[test]
    fn only_the_internet_is_called() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
        ] {
            assert_eq!(of(&[], public, 443), Standing::Public, "{public}");
        }
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::101:101",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            let standing = of(&[], refused, 443);
            assert!(matches!(standing, Standing::Refused(_)), "{refused}");
        }
    }

    #[test]
    fn a_network_that_is_named_is_allowed() {
        for (allowed, address, port, is_allowed) in [
            ("10.0.0.0/8", "10.1.2.3", 80, true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", 80, true),
            ("10.0.0.0/8", "192.168.0.1", 80, false),
            ("10.1.2.3:8443", "10.1.2.3", 8443, true),
            ("10.1.2.3:8443", "10.1.2.3", 443, false),
            ("10.0.0.0/8:8443", "10.1.2.3", 8443, true),
            ("fd00::/8", "fd12::1", 1, true),
            ("[fd00::/8]:443", "fd12::1", 443, true),
            ("[fd00::1]:443", "fd00::1", 444, false),
            ("::1", "::1", 8080, true),
            ("127.0.0.1", "::1", 8080, false),
        ] {
            let standing = of(&[allowed], address, port);
            let found = standing == Standing::Allowed;
            assert_eq!(found, is_allowed, "{allowed} {address} {port}");
        }
    }

    #[test]
    fn a_network_is_written_as_it_is_read() {
        for text in [
            "10.0.0.0/8",
            "10.0.0.0/8:8443",
            "[fd00::/8]:443",
            "fd00::/8",
        ] {
            let net: AllowedNet = text.parse().unwrap();
            assert_eq!(net.to_string(), text);
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.0.0.1:",
            "10.0.0.1:0",
            "10.0.0.1:65536",
            "[fd00::1:80",
            "example.com",
            "10.0.0.0/8:http",
        ] {
            let error = wrong.parse::<AllowedNet>().unwrap_err();
            assert!(error.contains(&format!("{wrong:?}")), "{error}");
        }
    }
}
