//! Connections to Slack: direct, or through an HTTP proxy (CONNECT), trusting the system's and Mozilla's certificate
//! authorities.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use axum::http::{HeaderValue, Uri};
use base64::Engine as _;
use futures::future::BoxFuture;
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tower::Service;
use url::Url;

use crate::slack::web_api::cause::cause;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// TLS for every connection to Slack: ring, and the certificate authorities of Mozilla and of this machine, which may
/// include that of a proxy that inspects traffic.
pub fn tls_config() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots())
        .with_no_client_auth())
}

fn roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let system = rustls_native_certs::load_native_certs();
        // A minimal container image has no certificates; Mozilla's are then enough.
        for error in &system.errors {
            tracing::debug!(%error, "Could not read a system certificate");
        }
        let (added, unusable) = roots.add_parsable_certificates(system.certs);
        tracing::debug!(added, unusable, "System certificates added to Mozilla's");
        Arc::new(roots)
    };
    ROOTS.get_or_init(read).clone()
}

/// Opens connections to Slack. Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    direct: HttpConnector,
    tunnel: Option<Tunnel<HttpConnector>>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("through_proxy", &self.tunnel.is_some()).finish_non_exhaustive()
    }
}

/// The proxy's address is invalid. The error leaves it out, since it may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("COUNTERSIGN_SLACK_PROXY is not a valid address: it should look like http://proxy.internal:3128")]
pub struct ProxyError;

impl Dialer {
    /// Connects directly, or through this proxy.
    pub fn new(proxy: Option<&SecretString>) -> Result<Self, ProxyError> {
        let mut direct = HttpConnector::new();
        // TLS is added above this connector, so it must accept `https`.
        direct.enforce_http(false);
        let tunnel = proxy.map(|proxy| tunnel(proxy.expose_secret(), direct.clone())).transpose()?;
        Ok(Self { direct, tunnel })
    }

    /// Opens a connection to the host and port of an address.
    pub async fn dial(&self, address: &str) -> Result<TcpStream, String> {
        let url = Url::parse(address).ok();
        let place = url.as_ref().and_then(|url| url.host_str().zip(url.port_or_known_default()));
        let address = place.and_then(|(host, port)| format!("http://{host}:{port}").parse().ok());
        let address: Uri = address.ok_or_else(|| "the address is not a URL".to_owned())?;
        let stream = self.clone().call(address).await.map_err(|error| cause(&*error))?;
        let stream = stream.into_inner();
        stream.set_nodelay(true).map_err(|error| error.kind().to_string())?;
        Ok(stream)
    }
}

fn tunnel(proxy: &str, direct: HttpConnector) -> Result<Tunnel<HttpConnector>, ProxyError> {
    let url = Url::parse(proxy).map_err(|_| ProxyError)?;
    let host = url.host_str().ok_or(ProxyError)?;
    let port = url.port_or_known_default().ok_or(ProxyError)?;
    let address = format!("http://{host}:{port}").parse().map_err(|_| ProxyError)?;
    let tunnel = Tunnel::new(address, direct);
    if url.username().is_empty() {
        return Ok(tunnel);
    }
    let mut credentials: Vec<u8> = percent_decode_str(url.username()).collect();
    credentials.push(b':');
    credentials.extend(percent_decode_str(url.password().unwrap_or_default()));
    let credentials = base64::engine::general_purpose::STANDARD.encode(credentials);
    Ok(tunnel.with_auth(HeaderValue::try_from(format!("Basic {credentials}")).map_err(|_| ProxyError)?))
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        if let Some(mut tunnel) = self.tunnel.clone() {
            return Box::pin(async move { Ok(tunnel.call(address).await?) });
        }
        let mut direct = self.direct.clone();
        Box::pin(async move { Ok(direct.call(address).await?) })
    }
}
