//! Compact JWSs (RFC 7515, section 7.1) with one algorithm, read as strictly as they are written.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::keys::{ALGORITHM, PublicKey};
use crate::domain::arguments::Exact;

/// The longest text that is read, in bytes: many times a receipt.
pub const LONGEST: usize = 64 * 1024;

/// Header and payload as they are signed: the JWS up to its second dot.
#[must_use]
pub fn signing_input(typ: &str, key: &PublicKey, payload: &[u8]) -> String {
    let header = json!({ "alg": ALGORITHM, "kid": key.kid(), "typ": typ }).to_string();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// The JWS of what was signed.
#[must_use]
pub fn compact(signing_input: &str, signature: &[u8]) -> String {
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Why a JWS or a set of keys was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not three parts of base64url without padding.
    #[error("it is not a compact JWS: three parts of base64url, separated by dots")]
    Form,
    /// The header is not JSON that every reader reads alike.
    #[error("its header {0}")]
    Header(String),
    /// Signed with an algorithm that is not taken, or with none.
    #[error("it is signed with the algorithm {0:?}; only \"Ed25519\" is accepted")]
    Algorithm(String),
    /// It is something other than what was expected.
    #[error("its type is {found:?}, not {expected:?}")]
    Type {
        /// The type in the header.
        found: String,
        /// The type to verify.
        expected: &'static str,
    },
    /// The set of keys does not have its key.
    #[error(
        "no key in the key set has its key id {0:?}: fetch the key set again, from the service that signed"
    )]
    UnknownKey(String),
    /// The signature is not that key's over this header and payload.
    #[error("the signature does not match: it was changed after it was signed, or signed by another")]
    Signature,
    /// The payload is not JSON that every reader reads alike.
    #[error("its payload {0}")]
    Payload(String),
    /// The set of keys can't be read.
    #[error("the key set {0}")]
    Keys(String),
}

/// The header. Another member, such as `crit` or `jwk`, may change what the signature means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    typ: String,
}

/// The public keys of a JWK set, by their ids.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct KeySet(BTreeMap<String, PublicKey>);

impl KeySet {
    /// Reads a JWK set (RFC 7517, section 5). Keys of other kinds are skipped.
    pub fn read(json: &[u8]) -> Result<Self, Fault> {
        let Exact(set) = Exact::read(json).map_err(|why| Fault::Keys(phrase(&why)))?;
        let keys = set["keys"].as_array().ok_or_else(|| Fault::Keys("has no list `keys`".to_owned()))?;
        let mut known = BTreeMap::new();
        for key in keys {
            let is = |member: &str, value: &str| key[member] == value;
            let other_use = key.get("use").is_some() && !is("use", "sig");
            let other_algorithm = key.get("alg").is_some() && !is("alg", ALGORITHM);
            if !is("kty", "OKP") || !is("crv", "Ed25519") || other_use || other_algorithm {
                continue;
            }
            let bytes = key["x"].as_str().and_then(|x| URL_SAFE_NO_PAD.decode(x).ok());
            let (Some(kid), Some(Ok(public))) = (key["kid"].as_str(), bytes.as_deref().map(PublicKey::new))
            else {
                return Err(Fault::Keys("has an Ed25519 key without `kid` or with a wrong `x`".to_owned()));
            };
            if known.insert(kid.to_owned(), public).is_some() {
                return Err(Fault::Keys(format!("has two keys with the id {kid:?}")));
            }
        }
        Ok(Self(known))
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> {
        self.0.values().copied()
    }
}

/// What a JWS says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The payload.
    pub payload: Value,
    /// The id of the key that signed it.
    pub kid: String,
}

/// Reads a compact JWS of this type, and checks its signature before it reads what is signed.
pub fn verify(jws: &str, typ: &'static str, keys: &KeySet) -> Result<Verified, Fault> {
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { return Err(Fault::Form) };
    if jws.len() > LONGEST {
        return Err(Fault::Form);
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Form);
    let (header_json, payload_json, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let Exact(header_json) = Exact::read(&header_json).map_err(|why| Fault::Header(phrase(&why)))?;
    let Header { alg, kid, typ: found } =
        serde_json::from_value(header_json).map_err(|why| Fault::Header(phrase(&why.to_string())))?;
    if alg != ALGORITHM {
        return Err(Fault::Algorithm(alg));
    }
    if found != typ {
        return Err(Fault::Type { found, expected: typ });
    }
    let Some(key) = keys.0.get(&kid) else { return Err(Fault::UnknownKey(kid)) };
    let signed = &jws.as_bytes()[..header.len() + 1 + payload.len()];
    if !key.has_signed(signed, &signature) {
        return Err(Fault::Signature);
    }
    let Exact(payload) = Exact::read(&payload_json).map_err(|why| Fault::Payload(phrase(&why)))?;
    Ok(Verified { payload, kid })
}

/// The rest of a sentence from what a parser says.
fn phrase(why: &str) -> String {
    if why.starts_with("has ") { why.to_owned() } else { format!("is not valid JSON: {why}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jose::keys::PrivateKey;

    const TYP: &str = "test+jwt";

    fn key(number: u8) -> PrivateKey {
        PrivateKey::from_seed(&[number; 32]).unwrap()
    }

    fn keys(keys: &[&PrivateKey]) -> KeySet {
        let keys: Vec<Value> = keys.iter().map(|key| key.public().jwk()).collect();
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn sign(key: &PrivateKey, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        compact(&input, &key.sign(input.as_bytes()))
    }

    fn good() -> String {
        let input = signing_input(TYP, &key(1).public(), br#"{"a":[1,"b"]}"#);
        compact(&input, &key(1).sign(input.as_bytes()))
    }

    #[test]
    fn what_was_signed_is_verified() {
        let known = keys(&[&key(2), &key(1)]);
        let verified = verify(&good(), TYP, &known).unwrap();
        assert_eq!(verified, Verified { payload: json!({ "a": [1, "b"] }), kid: key(1).public().kid() });
    }

    #[test]
    fn only_one_form_is_taken() {
        let (one, kid) = (key(1), key(1).public().kid());
        let known = keys(&[&one]);
        let header =
            |alg: &str, kid: &str, typ: &str| json!({ "alg": alg, "kid": kid, "typ": typ }).to_string();
        let refused = |jws: &str| verify(jws, TYP, &known).unwrap_err();
        for alg in ["none", "None", "EdDSA", "HS256", "ES256", "Ed448", ""] {
            let jws = sign(&one, &header(alg, &kid, TYP), "{}");
            assert_eq!(refused(&jws), Fault::Algorithm(alg.to_owned()));
            let unsigned = format!("{}.", jws.rsplit_once('.').unwrap().0);
            assert_eq!(refused(&unsigned), Fault::Algorithm(alg.to_owned()));
        }
        assert_eq!(
            refused(&sign(&one, &header("Ed25519", "other", TYP), "{}")),
            Fault::UnknownKey("other".into())
        );
        assert_eq!(
            refused(&sign(&one, &header("Ed25519", &kid, "JWT"), "{}")),
            Fault::Type { found: "JWT".into(), expected: TYP }
        );
        assert!(matches!(refused(&sign(&one, r#"{"alg":"Ed25519"}"#, "{}")), Fault::Type { .. }));
        // Another key's signature under this key's name.
        assert_eq!(refused(&sign(&key(2), &header("Ed25519", &kid, TYP), "{}")), Fault::Signature);
        let twice = format!(r#"{{"alg":"none","alg":"Ed25519","kid":"{kid}","typ":"{TYP}"}}"#);
        let crit = format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"{TYP}","crit":["b64"],"b64":false}}"#);
        for header in [&twice, &crit, "[]", "", "{}"] {
            assert!(matches!(refused(&sign(&one, header, "{}")), Fault::Header(_)), "{header}");
        }
        for payload in
            [r#"{"a":1,"a":2}"#, r#"{"a":{"b":1,"b":1}}"#, "{} {}", "{}x", "", r#"{"a":9007199254740993}"#]
        {
            let jws = sign(&one, &header("Ed25519", &kid, TYP), payload);
            assert!(matches!(refused(&jws), Fault::Payload(_)), "{payload}");
        }
        for form in ["", ".", "..", "a.b", "a.b.c.d", &format!("{}.x", good()), &format!(" {}", good())] {
            assert_eq!(
                verify(form, "x", &known).err().is_some_and(|fault| fault == Fault::Form),
                form != "..",
                "{form}"
            );
        }
        assert_eq!(refused(&format!("{}A", good())), Fault::Signature);
        for tail in ["=", "\n", " ", ".", "%00"] {
            assert_eq!(refused(&format!("{}{tail}", good())), Fault::Form, "{tail:?}");
        }
    }

    #[test]
    fn key_sets_are_read_strictly() {
        let jwk = key(1).public().jwk();
        let read = |set: Value| KeySet::read(set.to_string().as_bytes());
        assert_eq!(read(json!({ "keys": [] })).unwrap(), KeySet::default());
        let rsa = json!({ "kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB" });
        assert_eq!(read(json!({ "keys": [rsa, jwk] })).unwrap(), keys(&[&key(1)]));
        for other in [json!({ "alg": "EdDSA" }), json!({ "use": "enc" }), json!({ "crv": "X25519" })] {
            let mut key = jwk.clone();
            key.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
            assert_eq!(read(json!({ "keys": [key] })).unwrap(), KeySet::default(), "{other}");
        }
        for wrong in [
            json!([]),
            json!({}),
            json!({ "keys": [jwk, jwk] }),
            json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AA" }] }),
        ] {
            assert!(matches!(read(wrong), Err(Fault::Keys(_))));
        }
        assert!(matches!(KeySet::read(br#"{"keys":[],"keys":[]}"#), Err(Fault::Keys(_))));
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_never_accepted(at in 0_usize..400, byte in any::<u8>()) {
            let known = keys(&[&key(1), &key(2)]);
            let mut jws = good().into_bytes();
            let at = at % jws.len();
            prop_assume!(jws[at] != byte);
            jws[at] = byte;
            if let Ok(text) = String::from_utf8(jws) {
                prop_assert!(verify(&text, TYP, &known).is_err(), "{}", text);
            }
        }

        #[test]
        fn a_cut_or_a_longer_one_is_never_accepted(cut in 1_usize..200, tail in "[A-Za-z0-9_.=-]{1,8}") {
            let (known, jws) = (keys(&[&key(1)]), good());
            prop_assert!(verify(&jws[..jws.len().saturating_sub(cut)], TYP, &known).is_err());
            let longer = format!("{jws}{tail}");
            prop_assert!(verify(&longer, TYP, &known).is_err());
        }
    }
}
