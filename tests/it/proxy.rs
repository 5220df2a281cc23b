//! Slack behind a proxy, and behind a certificate authority that only this machine knows.

use std::{
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use countersign::config::ServeConfig;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sandbox::slack::Slack;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{
    modes::{by_http, socket_mode},
    story::{ALICE, TestApp, story, story_as},
};

const ACTION: &str = "github.create_issue";
/// `user:p@ss` in base64.
const CREDENTIALS: &str = "Basic dXNlcjpwQHNz";

/// The first lines of what came, and whether the proxy was told who asks.
type Seen = Arc<Mutex<Vec<String>>>;

/// A proxy, the only part that can resolve `slack.test`. Returns its port.
async fn proxy(seen: Seen) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, seen.clone()));
        }
    });
    port
}

async fn serve(mut client: TcpStream, seen: Seen) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut byte = [0];
        if client.read_exact(&mut byte).await.is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let first = text.lines().next().unwrap_or_default().to_owned();
    seen.lock().unwrap().push(first.clone());
    if !text.to_lowercase().contains(&format!("proxy-authorization: {}", CREDENTIALS.to_lowercase())) {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        return;
    }
    let target = first.split(' ').nth(1).unwrap_or_default();
    let place = target.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let Ok(mut server) = TcpStream::connect(place.replace("slack.test", "127.0.0.1")).await else { return };
    if first.starts_with("CONNECT ") {
        let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
    } else {
        let _ = server.write_all(&head).await;
    }
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_reached_through_the_proxy_and_webhooks_are_not() {
    let seen = Seen::default();
    let port = proxy(seen.clone()).await;
    let configure = |config: &mut ServeConfig, slack: &Slack| {
        by_http(config, slack);
        socket_mode(config, slack);
        config.slack.slack_api_url = slack.api_url().replace("127.0.0.1", "slack.test");
        config.slack.slack_proxy = Some(format!("http://user:p%40ss@127.0.0.1:{port}").into());
    };
    story_as(configure, async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        assert!(s.click(ALICE, &prompt, "Approve").await.is_ok());
        assert_eq!(s.received_webhook(&id).await.kind, "approval.approved");
        // A private answer goes to Slack as well.
        let press = s.slack.click_label(ALICE, sandbox::slack::Surface::stale(&prompt), "Deny").await;
        assert!(press.unwrap().is_ok());
        s.ephemeral_reply(ALICE, &prompt.channel, "already ended").await;
        let seen = seen.lock().unwrap().clone();
        let slack = s.slack.origin();
        let socket = slack.trim_start_matches("http://");
        assert!(seen.iter().any(|line| line.starts_with("CONNECT slack.test:")), "the Web API: {seen:?}");
        assert!(seen.contains(&format!("CONNECT {socket} HTTP/1.1")), "Socket Mode: {seen:?}");
        assert!(seen.iter().any(|line| line.starts_with(&format!("POST {slack}/response/"))), "{seen:?}");
        let webhook = url::Url::parse(&s.backend.webhook_url()).unwrap().port().unwrap().to_string();
        assert!(!seen.iter().any(|line| line.contains(&format!(":{webhook}"))), "{seen:?}");
    })
    .await;
}

/// A local Slack behind TLS, by a certificate authority of its own: the port, and the authority's certificate as PEM.
async fn behind_tls(slack: &Slack) -> (u16, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = slack.origin().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, origin) = (acceptor.clone(), origin.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(origin).await else { return };
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, certificate.pem())
}

/// What `countersign doctor` prints of the Slack token, where system certificates are read from this file.
async fn examined(s: &TestApp, port: u16, certificates: &std::path::Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command
        .env_clear()
        .arg("doctor")
        .stdin(Stdio::null())
        .env("DATABASE_URL", s.config.database.database_url.expose_secret())
        .env("SLACK_SIGNING_SECRET", s.slack.signing_secret())
        .env("SLACK_BOT_TOKEN", s.slack.bot_token())
        .env("SLACK_API_URL", format!("https://localhost:{port}/api"))
        .env("SSL_CERT_FILE", certificates);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_believed_by_a_certificate_authority_of_this_machine() {
    story(async |s| {
        let (port, certificate) = behind_tls(&s.slack).await;
        let folder = std::env::temp_dir().join(format!("countersign-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let (known, other) = (folder.join("known.pem"), folder.join("other.pem"));
        std::fs::write(&known, certificate).unwrap();
        let (_, certificate) = behind_tls(&s.slack).await;
        std::fs::write(&other, certificate).unwrap();
        let (with, without) = (examined(s, port, &known).await, examined(s, port, &other).await);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(with.contains("Acme (T0SANDBOX)"), "{with}");
        assert!(!without.contains("Acme (T0SANDBOX)") && without.contains("can't be reached"), "{without}");
    })
    .await;
}
