//! A request's body. It is read only if the request presents something like an API key, and within limits.

use std::time::Duration;

use axum::extract::{FromRequest, Request};

use super::{
    auth::{self, Presented},
    problem::{Kind, Problem},
};
use crate::{
    api::state::{Api, LARGEST},
    bodies::{BodyError, BodyLimits, Received},
};

const LIMITS: BodyLimits = BodyLimits { size: LARGEST, time: Duration::from_secs(10) };

/// The body, or why it was not read. It counts as in memory for as long as it exists.
#[derive(Debug)]
pub struct ApiBody(pub Result<Received, Problem>);

impl FromRequest<Api> for ApiBody {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let known = match auth::presented(&parts.headers)? {
            Presented::Caller(key) => api.limits.knows(&key),
            Presented::Admin(key) => api.limits.knows(&key),
        };
        let bodies = if known { &api.bodies.known } else { &api.bodies.unknown };
        Ok(Self(bodies.read(&parts.headers, body, LIMITS).await.map_err(Problem::from)))
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(Kind::BodyTooLarge),
            BodyError::TooSlow => Self::new(Kind::BodyTooSlow),
            BodyError::Crowded => Self::new(Kind::Unavailable).after(1),
            BodyError::Broken => Self::new(Kind::InvalidJson),
        }
    }
}
