//! A provider of identities on this machine: signs RS256 tokens with a key that lives as long as the test, is like Google or like
//! LinkedIn, and lies in every way one can.

use crate::support::listen;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use model::identities::IdentityProvider;
use rsa::pkcs1v15::SigningKey;
use rsa::rand_core::OsRng;
use rsa::sha2::{Digest, Sha256};
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};
use services::Config;
use services::config::SignInWith;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::task::JoinSet;

pub const CLIENT: &str = "belfry-client";
const SECRET: &str = "s3cret of the client";
const BITS: usize = 2048;

type Answer = (StatusCode, Json<Value>);
type Words = HashMap<String, String>;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its discovery document names somebody else.
    Impostor,
    /// The token endpoint fails.
    Broken,
    /// The token endpoint never answers.
    Silent,
    /// There is no token in the answer.
    NoToken,
    OtherIssuer,
    OtherAudience,
    OtherNonce,
    NoNonce,
    Expired,
    FromTheFuture,
    /// Signed by somebody else's key.
    OtherKey,
    /// `alg: none`.
    Unsigned,
    /// `alg: HS256`, which is not among those we take.
    Symmetric,
    /// Changed after it was signed.
    Changed,
    NoSubject,
}

/// Who is signed in there, and how it behaves.
pub struct Plan {
    pub subject: String,
    /// More claims of the person.
    pub claims: Value,
    pub fault: Option<Fault>,
    /// Its clock.
    pub now: i64,
    codes: HashMap<String, Words>,
}

pub struct Issuer {
    pub provider: IdentityProvider,
    inner: Arc<Inner>,
    _server: JoinSet<()>,
}

struct Inner {
    provider: IdentityProvider,
    url: String,
    key: RsaPrivateKey,
    plan: Mutex<Plan>,
}

impl Issuer {
    pub async fn new(provider: IdentityProvider) -> Self {
        let (listener, address) = listen().await;
        let key = RsaPrivateKey::new(&mut OsRng, BITS).expect("a key");
        let plan = Plan { subject: "107".to_owned(), claims: json!({}), fault: None, now: 0, codes: HashMap::new() };
        let inner = Arc::new(Inner { provider, url: format!("http://{address}"), key, plan: Mutex::new(plan) });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(inner.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("it runs") });
        Self { provider, inner, _server: server }
    }

    /// Registers us with it.
    pub fn configure(&self, config: &mut Config) {
        let ours =
            SignInWith { client_id: CLIENT.to_owned(), client_secret: SECRET.to_owned().into(), issuer: self.inner.url.clone() };
        match self.provider {
            IdentityProvider::Google => config.google = Some(ours),
            IdentityProvider::LinkedIn => config.linkedin = Some(ours),
        }
    }

    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.inner.plan.lock().expect("no test panicked with it")
    }

    /// What a browser finds that was sent there by `location` and whose owner agrees: the way home.
    pub fn agree(&self, location: &str) -> String {
        let asked = self.asked(location);
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT), "{asked:?}");
        for scope in ["openid", "email", "profile"] {
            assert!(asked["scope"].split(' ').any(|s| s == scope), "{asked:?}");
        }
        let google = self.provider == IdentityProvider::Google;
        assert_eq!(asked.get("code_challenge_method").map(String::as_str), google.then_some("S256"), "{asked:?}");
        assert_eq!(asked.contains_key("nonce"), google, "{asked:?}");
        let home = asked["redirect_uri"].strip_prefix("http://belfry.test").expect("ours").to_owned();
        assert_eq!(home, format!("/sign-in/from/{}", self.provider));
        let state = asked["state"].clone();
        let mut plan = self.plan();
        let code = format!("code-{}", plan.codes.len());
        plan.codes.insert(code.clone(), asked);
        format!("{home}?code={code}&state={state}")
    }

    /// The same for one whose owner does not.
    pub fn deny(&self, location: &str, error: &str) -> String {
        let asked = self.asked(location);
        format!("/sign-in/from/{}?error={error}&state={}", self.provider, asked["state"])
    }

    fn asked(&self, location: &str) -> Words {
        assert!(location.starts_with(&format!("{}/authorize?", self.inner.url)), "{location}");
        let uri: Uri = location.parse().expect("an address");
        Query::try_from_uri(&uri).expect("a query").0
    }
}

async fn discovery(State(it): State<Arc<Inner>>) -> Json<Value> {
    let impostor = it.plan.lock().expect("plan").fault == Some(Fault::Impostor);
    let url = &it.url;
    Json(json!({
        "issuer": if impostor { "https://accounts.evil.example" } else { url },
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(it): State<Arc<Inner>>) -> Json<Value> {
    let public = RsaPublicKey::from(&it.key);
    let (n, e) = (BASE64.encode(public.n().to_bytes_be()), BASE64.encode(public.e().to_bytes_be()));
    Json(json!({ "keys": [{ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": n, "e": e }] }))
}

async fn token(State(it): State<Arc<Inner>>, headers: HeaderMap, Form(form): Form<Words>) -> Answer {
    let said = |name: &str| form.get(name).map_or("", String::as_str);
    let refuse =
        |why: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": why, "error_description": format!("no: {form:?}") })));
    let fault = it.plan.lock().expect("plan").fault;
    match fault {
        Some(Fault::Silent) => std::future::pending().await,
        Some(Fault::Broken) => return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!("oops"))),
        _ => {}
    }
    let linkedin = it.provider == IdentityProvider::LinkedIn;
    // LinkedIn takes the secret in the body only, and stumbles over a verifier.
    if headers.contains_key("authorization") || (linkedin && form.contains_key("code_verifier")) {
        return refuse("invalid_client");
    }
    if (said("client_id"), said("client_secret")) != (CLIENT, SECRET) {
        return refuse("invalid_client");
    }
    let Some(asked) = it.plan.lock().expect("plan").codes.remove(said("code")) else { return refuse("invalid_grant") };
    let challenge = BASE64.encode(Sha256::digest(said("code_verifier")));
    if said("grant_type") != "authorization_code"
        || said("redirect_uri") != asked["redirect_uri"]
        || (!linkedin && asked.get("code_challenge") != Some(&challenge))
    {
        return refuse("invalid_grant");
    }
    let mut answer = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 3600 });
    if fault != Some(Fault::NoToken) {
        answer["id_token"] = it.signed(asked.get("nonce")).into();
    }
    (StatusCode::OK, Json(answer))
}

impl Inner {
    /// A token for the person of the plan.
    fn signed(&self, nonce: Option<&String>) -> String {
        let plan = self.plan.lock().expect("plan");
        let (now, fault) = (plan.now, plan.fault);
        let mut claims = json!({ "iss": self.url, "aud": CLIENT, "sub": plan.subject, "iat": now, "exp": now + 600 });
        let more = plan.claims.as_object().expect("an object").clone();
        claims.as_object_mut().expect("an object").extend(more);
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.clone().into();
        }
        match fault {
            Some(Fault::OtherIssuer) => claims["iss"] = "https://accounts.evil.example".into(),
            Some(Fault::OtherAudience) => claims["aud"] = "somebody-elses-client".into(),
            Some(Fault::OtherNonce) => claims["nonce"] = "of-another-trip".into(),
            Some(Fault::NoNonce) => drop(claims.as_object_mut().expect("an object").remove("nonce")),
            Some(Fault::Expired) => (claims["iat"], claims["exp"]) = ((now - 1_000).into(), (now - 400).into()),
            Some(Fault::FromTheFuture) => claims["iat"] = (now + 400).into(),
            Some(Fault::NoSubject) => claims["sub"] = "".into(),
            _ => {}
        }
        let algorithm = match fault {
            Some(Fault::Unsigned) => "none",
            Some(Fault::Symmetric) => "HS256",
            _ => "RS256",
        };
        let part = |value: &Value| BASE64.encode(value.to_string());
        let signing = format!("{}.{}", part(&json!({ "alg": algorithm, "kid": "k1", "typ": "JWT" })), part(&claims));
        let key = match fault {
            Some(Fault::OtherKey) => RsaPrivateKey::new(&mut OsRng, BITS).expect("a key"),
            _ => self.key.clone(),
        };
        let signature = match fault {
            Some(Fault::Unsigned) => String::new(),
            _ => BASE64.encode(SigningKey::<Sha256>::new(key).sign(signing.as_bytes()).to_bytes()),
        };
        match fault {
            Some(Fault::Changed) => {
                claims["sub"] = "somebody else".into();
                format!("{}.{}.{signature}", part(&json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })), part(&claims))
            }
            _ => format!("{signing}.{signature}"),
        }
    }
}
