//! One connection, from its upgrade to its close.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{ConnectInfo, Query, Request, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{
            Role,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

use super::{Link, MOST, Out};
use crate::slack::{core::Core, line::Line};

/// `GET /link/?ticket=…`: becomes a WebSocket (RFC 6455).
pub(crate) async fn open(
    Shared(core): Shared<Arc<Core>>,
    Query(query): Query<Vec<(String, String)>>,
    line: Option<Extension<ConnectInfo<Line>>>,
    mut request: Request,
) -> Response {
    let line = line.map(|Extension(ConnectInfo(line))| line).unwrap_or_default();
    let ticket = query.into_iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket);
    let admitted = {
        let mut inner = core.sockets.lock();
        ticket.is_some_and(|ticket| inner.tickets.remove(&ticket))
    };
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    let (true, Some(key)) = (admitted, key) else { return StatusCode::FORBIDDEN.into_response() };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        live(&core, socket, &line).await;
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes())),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn live(core: &Core, mut socket: Socket, line: &Line) {
    let (out, mut orders) = mpsc::unbounded_channel();
    let admitted = {
        let mut inner = core.sockets.lock();
        inner.opened += 1;
        let id = inner.opened;
        // A connection that is about to close makes room for its successor.
        let staying = inner.links.iter().filter(|link| !link.leaving).count();
        (staying < MOST).then(|| {
            inner.links.push(Link { id, out, leaving: false });
            (id, staying + 1)
        })
    };
    let Some((id, count)) = admitted else {
        let full = json!({ "type": "disconnect", "reason": "too_many_websockets" });
        let _ = socket.send(Message::text(full.to_string())).await;
        let _ = socket.close(None).await;
        return;
    };
    // Wakes those who wait for the number of connections.
    core.change(|_| ());
    let hello = json!({
        "type": "hello",
        "num_connections": count,
        "debug_info": { "host": id, "approximate_connection_time": 18060 },
        "connection_info": { "app_id": core.read(|state| state.app.id.clone()) },
    });
    let mut alive = socket.send(Message::text(hello.to_string())).await.is_ok();
    while alive {
        alive = tokio::select! {
            () = core.stop.cancelled() => false,
            order = orders.recv() => match order {
                Some(order) => obey(&mut socket, order, line).await,
                None => false,
            },
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => {
                    acknowledge(core, &text);
                    true
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                Some(Ok(_)) => true,
            },
        };
    }
    let mut inner = core.sockets.lock();
    inner.links.retain(|link| link.id != id);
    // No acknowledgement can come on this connection, so its senders stop waiting.
    inner.waiting.retain(|_, (link, _)| *link != id);
    drop(inner);
    core.change(|_| ());
}

async fn obey(socket: &mut Socket, order: Out, line: &Line) -> bool {
    match order {
        Out::Text(text) => socket.send(Message::text(text)).await.is_ok(),
        Out::Half(text) => {
            let half = text.chars().take(text.chars().count() / 2).collect::<String>();
            let frame = Frame::message(half.into_bytes(), OpCode::Data(Data::Text), false);
            let _ = socket.send(Message::Frame(frame)).await;
            line.cut();
            false
        }
        Out::Cut => {
            line.cut();
            false
        }
        Out::Close => {
            let _ = socket.close(None).await;
            false
        }
    }
}

fn acknowledge(core: &Core, text: &str) {
    let Ok(said) = serde_json::from_str::<Value>(text) else { return };
    let waiting = said["envelope_id"].as_str().and_then(|id| core.sockets.lock().waiting.remove(id));
    if let Some((_, waiting)) = waiting {
        // Sending fails if the acknowledgement came too late and its sender has stopped waiting.
        let _ = waiting.send(said["payload"].clone());
    }
}
