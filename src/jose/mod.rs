//! Ed25519 keys as JWKs, and signed statements as compact JWSs (RFC 7515, 7517, 8037, 9864).

pub mod jws;
pub mod keys;
