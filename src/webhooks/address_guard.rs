//! Which addresses webhooks may go to. They are checked when the connection is made, because a name can resolve
//! differently by then.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that webhooks must not go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is a private, local or reserved address: webhooks go there only if COUNTERSIGN_WEBHOOK_ALLOW names its network"
)]
pub struct Refused(pub IpAddr);

/// Networks that are not the public internet (IANA's special-purpose registries).
const REFUSED_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    v4([255, 255, 255, 255], 32),
];
/// In IPv6 only global unicast is allowed; these are the exceptions within it.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const REFUSED_V6: [Ipv6Net; 3] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// Checks addresses.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
}

impl Guard {
    /// Allows these networks in addition to the public internet.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Whether a webhook may go to this address.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        // An IPv4-mapped address is checked as IPv4: `::ffff:10.0.0.1` is `10.0.0.1`.
        let address = address.to_canonical();
        let public = match address {
            IpAddr::V4(v4) => !REFUSED_V4.iter().any(|net| net.contains(&v4)),
            IpAddr::V6(v6) => GLOBAL_V6.contains(&v6) && !REFUSED_V6.iter().any(|net| net.contains(&v6)),
        };
        if public || self.allowed.iter().any(|net| net.contains(&address)) {
            Ok(())
        } else {
            Err(Refused(address))
        }
    }

    /// Checks an address in the URL itself, because no name is resolved for it.
    pub fn judge_literal(&self, url: &url::Url) -> Result<(), Refused> {
        match url.host() {
            Some(url::Host::Ipv4(address)) => self.judge(address.into()),
            Some(url::Host::Ipv6(address)) => self.judge(address.into()),
            _ => Ok(()),
        }
    }
}

impl Resolve for Guard {
    /// Resolves a name, and keeps the addresses that are allowed.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut good = Vec::new();
            for address in found {
                match guard.judge(address.ip()) {
                    Ok(()) => good.push(address),
                    Err(error) => refused = Some(error),
                }
            }
            match refused {
                Some(error) if good.is_empty() => Err(error.into()),
                _ => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_let_through() {
        let guard = Guard::default();
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(guard.judge(address.parse().unwrap()).is_err(), "{address}");
        }
        for address in ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "172.32.0.1"] {
            assert!(guard.judge(address.parse().unwrap()).is_ok(), "{address}");
        }
    }

    #[test]
    fn a_named_network_is_let_through() {
        let guard = Guard::new(vec!["10.20.0.0/16".parse().unwrap()]);
        assert!(guard.judge("10.20.0.7".parse().unwrap()).is_ok());
        assert!(guard.judge("10.21.0.7".parse().unwrap()).is_err());
    }

    #[test]
    fn an_address_in_the_url_is_judged_in_any_spelling() {
        let guard = Guard::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
        ] {
            assert!(guard.judge_literal(&url::Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }
}
