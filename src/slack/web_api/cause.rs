//! Why Slack could not be reached, in terms that help an operator to fix it.

use std::{error::Error, io};

/// What made a request fail: the last of the error's causes, because the ones before it only name layers of the client.
#[must_use]
pub fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let Some(io) = innermost.downcast_ref::<io::Error>() else { return innermost.to_string() };
    let is_tls = matches!(io.get_ref(), Some(inner) if inner.is::<rustls::Error>());
    match io.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            "the connection was closed".to_owned()
        }
        io::ErrorKind::TimedOut => "timed out".to_owned(),
        _ if is_tls => format!("TLS failed ({io})"),
        // The standard library has no kind for it.
        _ if io.to_string().contains("failed to lookup address") => "unknown host".to_owned(),
        _ => io.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Layer(#[source] io::Error);

    #[test]
    fn the_innermost_cause_is_named() {
        let refused = Layer(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(cause(&refused), "connection refused");
        let lookup = "failed to lookup address information: Name or service not known";
        assert_eq!(cause(&Layer(io::Error::other(lookup))), "unknown host");
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let untrusted = Layer(io::Error::new(io::ErrorKind::InvalidData, untrusted));
        assert_eq!(cause(&untrusted), "TLS failed (invalid peer certificate: UnknownIssuer)");
    }
}
