//! Checks whether Slack's requests arrive and are accepted: sends a request, signed as Slack signs, to the running
//! service and to its public address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::{
    doctor::{context::DoctorContext, finding::Finding},
    slack::inbound::{http as ingress, signature::SigningSecrets},
};

/// The result of a signed request.
enum Reached {
    Believed,
    NotBelieved,
    Other(u16),
    Nobody(String),
}

pub(super) async fn check(context: &DoctorContext) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(secret) = &context.config.slack_signing_secret {
        findings.push(itself(context, secret).await);
    }
    if let Some(url) = &context.config.public_url {
        findings.push(public(context, url).await);
    }
    findings
}

async fn itself(context: &DoctorContext, secret: &SecretString) -> Finding {
    let check = "signing secret";
    let address = local(context.config.listen);
    match post(context, &format!("http://{address}"), secret).await {
        Reached::Believed => {
            Finding::ok(check, format!("the service at {address} accepts a request signed with it"))
        }
        Reached::NotBelieved => Finding::failed(
            check,
            format!("the service at {address} refuses a request signed with it"),
            "start the service with the same SLACK_SIGNING_SECRET, and check the clocks",
        ),
        Reached::Other(status) => Finding::failed(
            check,
            format!("what listens at {address} answers with HTTP status {status}"),
            "check COUNTERSIGN_LISTEN: is that Countersign?",
        ),
        Reached::Nobody(_) => Finding::warning(
            check,
            format!("nothing listens at {address}, so it could not be tried"),
            "start `countersign serve`, and run this again",
        ),
    }
}

async fn public(context: &DoctorContext, url: &str) -> Finding {
    let check = "public URL";
    let fix = "point the name, the load balancer and its certificate at this service; Slack and browsers come that way";
    let Some(secret) = &context.config.slack_signing_secret else {
        return match context.http.get(format!("{url}/livez")).send().await {
            Ok(answer) if answer.status().is_success() => Finding::ok(check, format!("{url} leads here")),
            Ok(answer) => Finding::failed(
                check,
                format!("{url} answers with HTTP status {}", answer.status().as_u16()),
                fix,
            ),
            Err(error) => Finding::failed(
                check,
                format!("{url} can't be reached from here: {}", error.without_url()),
                fix,
            ),
        };
    };
    match post(context, url, secret).await {
        Reached::Believed => Finding::ok(check, format!("{url} leads here, as seen from this machine")),
        Reached::NotBelieved => Finding::failed(
            check,
            format!("{url} leads to a service that refuses our signature"),
            "a proxy changes requests, or another service with another SLACK_SIGNING_SECRET answers",
        ),
        Reached::Other(status) => {
            Finding::failed(check, format!("{url} answers with HTTP status {status}"), fix)
        }
        Reached::Nobody(error) => {
            Finding::failed(check, format!("{url} can't be reached from here: {error}"), fix)
        }
    }
}

/// Sends the challenge that Slack sends when a request URL is entered
/// (<https://docs.slack.dev/reference/events/url_verification>).
async fn post(context: &DoctorContext, base: &str, secret: &SecretString) -> Reached {
    let service = &context.service;
    let challenge = URL_SAFE_NO_PAD.encode(service.entropy.bytes());
    let body = json!({ "type": "url_verification", "challenge": challenge }).to_string();
    let timestamp = service.now().timestamp().to_string();
    let secret = SecretString::from(secret.expose_secret().split(',').next().unwrap_or_default().trim());
    let signature = SigningSecrets::sign(&secret, &timestamp, body.as_bytes());
    let request = context
        .http
        .post(format!("{base}{}", ingress::EVENTS))
        .header("content-type", "application/json")
        .header("x-slack-request-timestamp", timestamp)
        .header("x-slack-signature", signature)
        .body(body);
    match request.send().await {
        Ok(answer) if answer.status().as_u16() == 401 => Reached::NotBelieved,
        Ok(answer) => {
            let status = answer.status().as_u16();
            match answer.json::<Value>().await {
                Ok(said) if said["challenge"] == challenge => Reached::Believed,
                _ => Reached::Other(status),
            }
        }
        Err(error) => Reached::Nobody(error.without_url().to_string()),
    }
}

/// The address at which a service that listens on `listen` is reached from this machine.
fn local(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
