//! A call's body. It is read only if the request presents something like an API key, and within bounds.

use std::time::Duration;

use axum::extract::{FromRequest, Request};

use super::{
    Api, LARGEST, auth,
    problem::{Kind, Problem},
};
use crate::bodies::{Bodies, BodyError, BodyLimits, Received};

const LIMITS: BodyLimits = BodyLimits { size: LARGEST, time: Duration::from_secs(10) };

/// The bodies in memory. Those of keys that were found to be valid before are counted separately, so that invented
/// keys take no room from the backends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiBodies {
    known: Bodies,
    strangers: Bodies,
}

impl Default for ApiBodies {
    fn default() -> Self {
        Self { known: Bodies::new(512, 64 * 1024 * 1024), strangers: Bodies::new(64, 8 * 1024 * 1024) }
    }
}

/// What was read, or why not. It counts as being in memory for as long as it is kept.
#[derive(Debug)]
pub struct ApiBody(pub Result<Received, Problem>);

impl FromRequest<Api> for ApiBody {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let key = auth::api_key(&parts.headers)?;
        let bodies = if api.limits.knows(&key) { &api.bodies.known } else { &api.bodies.strangers };
        Ok(Self(bodies.read(&parts.headers, body, LIMITS).await.map_err(Problem::from)))
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::of(Kind::BodyTooLarge),
            BodyError::TooSlow => Self::of(Kind::BodyTooSlow),
            BodyError::Crowded => Self::of(Kind::Unavailable).after(1),
            BodyError::Broken => Self::of(Kind::InvalidJson),
        }
    }
}
