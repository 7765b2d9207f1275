//! Who somebody is, told by Google or LinkedIn: OpenID Connect by the authorization code. No database, no sessions, no cookies:
//! [`away`] says where to send a browser, [`come_back`] what the code it brings home is worth. A crate of its own, because only the
//! server needs it and it is slow to compile.
//!
//! The two differ, and neither says so in its discovery document: see [`Quirks`].

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::{DateTime, Utc};
use model::identities::{Claims, IdentityProvider};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, TokenResponse,
};
use providers::http::{ReadError, client_with_timeout, fetch};
use providers::{Client, ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use std::time::Duration;

/// How long one request may take: a person waits, and coming back takes three.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read; keys of Google are 2 KB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The longest id of a person.
const SUBJECT_MAX: usize = 255;
/// How much our clock and theirs may differ.
const CLOCKS_SECONDS_MAX: i64 = 60;

/// Our registration at a provider.
#[derive(Debug)]
pub struct Registration<'a> {
    pub provider: IdentityProvider,
    /// Where its discovery document is, without `/.well-known/openid-configuration`.
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub client_secret: &'a SecretString,
    /// Where it sends browsers back to; registered there to the letter.
    pub redirect: String,
}

/// What binds one trip to the browser that makes it. All follow from a token that only the browser has, and lead back to it no more
/// than to each other.
pub struct Bonds {
    /// Comes back in the address.
    pub state: String,
    /// Comes back inside the token.
    pub nonce: String,
    /// Its hash goes away with the browser, itself is shown for the token (RFC 7636). 43 to 128 letters and digits.
    pub verifier: String,
}

impl Bonds {
    /// Those of the trip with this token, which must be unguessable and new.
    pub fn of(token: &str) -> Self {
        let bond = |name: &str| {
            let hash = Sha256::new().chain_update(name).chain_update(":").chain_update(token).finalize();
            BASE64_URL_SAFE_NO_PAD.encode(hash)
        };
        Self { state: bond("state"), nonce: bond("nonce"), verifier: bond("verifier") }
    }
}

/// Why nobody is known now. For the log: it names what failed, and holds neither codes nor tokens nor secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No answer, in time, that could be read.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// An answer that must not be believed, or a refusal of the code.
    #[error("not believed: {0}")]
    Untrusted(String),
}

/// In what the two differ; both take the secret in the body, and LinkedIn takes it nowhere else.
struct Quirks {
    /// LinkedIn answers `invalid_client` to a code with a verifier.
    pkce: bool,
    /// LinkedIn leaves it out of its tokens. There the state alone binds the browser.
    nonce: bool,
}

impl Quirks {
    const fn of(provider: IdentityProvider) -> Self {
        match provider {
            IdentityProvider::Google => Self { pkce: true, nonce: true },
            IdentityProvider::LinkedIn => Self { pkce: false, nonce: false },
        }
    }
}

/// Where to send a browser.
///
/// # Errors
/// When the provider does not say where that is.
pub async fn away(to: &Registration<'_>, bonds: &Bonds) -> Result<String, Trouble> {
    let quirks = Quirks::of(to.provider);
    let known = discover(to).await?;
    let (state, nonce) = (bonds.state.clone(), bonds.nonce.clone());
    let mut request = known
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || CsrfToken::new(state), || Nonce::new(nonce))
        .add_scope(Scope::new("email".to_owned()))
        .add_scope(Scope::new("profile".to_owned()));
    if quirks.pkce {
        let verifier = PkceCodeVerifier::new(bonds.verifier.clone());
        request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    }
    let (mut url, ..) = request.url();
    if !quirks.nonce {
        // A parameter that means nothing there is not sent.
        let kept: Vec<_> =
            url.query_pairs().filter(|(name, _)| name != "nonce").map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    Ok(url.into())
}

/// Who the browser's owner is, for the code it came back with. `now` judges how old the token is.
///
/// # Errors
/// When the provider does not answer, takes the code from us for none of its own, or answers with a token that is not signed by it,
/// not for us, not of this trip, or too old.
pub async fn come_back(from: &Registration<'_>, code: String, bonds: &Bonds, now: DateTime<Utc>) -> Result<Claims, Trouble> {
    let quirks = Quirks::of(from.provider);
    let known = discover(from).await?;
    let untrusted = |e: &dyn std::fmt::Display| Trouble::Untrusted(e.to_string());
    let mut exchange = known.exchange_code(AuthorizationCode::new(code)).map_err(|e| untrusted(&e))?;
    if quirks.pkce {
        exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(bonds.verifier.clone()));
    }
    let tokens = exchange.request_async(&ask).await.map_err(|e| match e {
        RequestTokenError::ServerResponse(no) => untrusted(&refusal(no.error())),
        RequestTokenError::Request(e) => Trouble::Unanswered(e.to_string()),
        // The parser quotes what it could not read.
        RequestTokenError::Parse(..) => Trouble::Unanswered("the token's answer cannot be read".to_owned()),
        RequestTokenError::Other(_) => Trouble::Unanswered("the token's answer is empty".to_owned()),
    })?;
    let token = tokens.id_token().ok_or_else(|| untrusted(&"no id_token"))?;
    let verifier = known
        .id_token_verifier()
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256])
        .set_time_fn(move || now - chrono::TimeDelta::seconds(CLOCKS_SECONDS_MAX))
        .set_issue_time_verifier_fn(move |issued| match issued <= now + chrono::TimeDelta::seconds(CLOCKS_SECONDS_MAX) {
            true => Ok(()),
            false => Err("issued in the future".to_owned()),
        });
    let nonce = |said: Option<&Nonce>| match (quirks.nonce, said) {
        (false, _) => Ok(()),
        (true, Some(said)) if *said.secret() == bonds.nonce => Ok(()),
        (true, _) => Err("another trip's nonce, or none".to_owned()),
    };
    let claims = token.claims(&verifier, nonce).map_err(|e| untrusted(&e))?;
    // OpenID Connect Core 1.0 §2: at most 255 characters.
    if !(1..=SUBJECT_MAX).contains(&claims.subject().len()) {
        return Err(untrusted(&"no id of a person"));
    }
    Ok(read(from.provider, claims))
}

fn read(provider: IdentityProvider, claims: &CoreIdTokenClaims) -> Claims {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    Claims {
        provider,
        subject: claims.subject().to_string(),
        email: claims.email().and_then(|email| text(email)),
        email_verified: claims.email_verified().unwrap_or(false),
        name: claims.name().and_then(|name| name.get(None)).and_then(|name| text(name)),
    }
}

/// What a provider's refusal is called; its description may quote what we sent.
fn refusal(error: &CoreErrorResponseType) -> String {
    format!("the code was refused: {error}")
}

type Known = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The provider as it describes itself today, with its keys of today. Asked anew each time: two small requests
/// per sign-in, and keys may be changed at any moment.
async fn discover(at: &Registration<'_>) -> Result<Known, Trouble> {
    let wrong = |e: String| Trouble::Untrusted(e);
    let issuer = IssuerUrl::new(at.issuer.to_owned()).map_err(|e| wrong(e.to_string()))?;
    let redirect = RedirectUrl::new(at.redirect.clone()).map_err(|e| wrong(e.to_string()))?;
    let metadata = CoreProviderMetadata::discover_async(issuer, &ask).await.map_err(|e| match e {
        DiscoveryError::Validation(why) => wrong(why),
        DiscoveryError::Request(e) => Trouble::Unanswered(e.to_string()),
        DiscoveryError::Response(status, ..) => Trouble::Unanswered(format!("discovery: {status}")),
        _ => Trouble::Unanswered("discovery cannot be read".to_owned()),
    })?;
    let (id, secret) = (ClientId::new(at.client_id.to_owned()), ClientSecret::new(at.client_secret.expose_secret().to_owned()));
    let known = CoreClient::from_provider_metadata(metadata, id, Some(secret));
    Ok(known.set_redirect_uri(redirect).set_auth_type(AuthType::RequestBody))
}

/// Why a request of the library failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Client(&'static str),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Sends what the library asks for by our own client: it follows no redirects and repeats nothing.
async fn ask(request: HttpRequest) -> Result<HttpResponse, Failed> {
    static CLIENT: LazyLock<Option<Client>> = LazyLock::new(|| client_with_timeout(PATIENCE).ok());
    let client = CLIENT.as_ref().ok_or(Failed::Client("this machine has no TLS roots"))?;
    Ok(fetch(client, request, ANSWER_BYTES_MAX).await?)
}
