//! Responses that come later. Their handler returns at once and leaves behind a small future; the connection then keeps
//! nothing but that, instead of the handler, its middleware and the buffers of HTTP.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::Stream;

/// What is still to come of a response.
pub enum Later {
    /// All of it.
    Whole(Pin<Box<dyn Future<Output = Response> + Send>>),
    /// The rest of the body. The connection is closed after it.
    Rest(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl fmt::Debug for Later {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Rest(_) => "Rest",
        })
    }
}

/// Carries it through the middleware. Extensions must be `Clone` and `Sync`.
#[derive(Clone)]
struct Carried(Arc<Mutex<Option<Later>>>);

impl Later {
    /// A response that the server replaces by the future's, once it has that.
    pub fn response(whole: impl Future<Output = Response> + Send + 'static) -> Response {
        Self::Whole(Box::pin(whole)).after(Response::new(Body::empty()))
    }

    /// This response, whose body goes on with the rest.
    pub fn stream(beginning: Response, rest: impl Stream<Item = Bytes> + Send + 'static) -> Response {
        Self::Rest(Box::pin(rest)).after(beginning)
    }

    fn after(self, mut response: Response) -> Response {
        response.extensions_mut().insert(Carried(Arc::new(Mutex::new(Some(self)))));
        response
    }

    /// Takes what is still to come of this response.
    pub fn take(response: &mut Response) -> Option<Self> {
        let carried: Carried = response.extensions_mut().remove()?;
        carried.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
