//! What the JSON APIs of conversational providers have in common: one account's address and key on each request, and things that are
//! looked up, changed and deleted by an id. How its errors are sorted is each provider's own.

use std::fmt;

use reqwest::{Client, Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Account,
    exchange::{self, Refuse, Trouble},
    voice::{ProviderError, Sound},
};

/// How one provider's API is spoken.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Puts the account's key on a request.
    pub authorize: fn(RequestBuilder, &Account) -> RequestBuilder,
    pub refuse: Refuse,
    /// Does it say that there is no such thing?
    pub is_missing: fn(&Trouble) -> bool,
}

/// One account's API.
pub struct Api {
    pub account: Account,
    client: Client,
    dialect: Dialect,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Api {
    pub const fn new(account: Account, client: Client, dialect: Dialect) -> Self {
        Self { account, client, dialect }
    }

    /// A request with the key on it. The path begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.account.base()));
        (self.dialect.authorize)(request, &self.account)
    }

    /// Sends it; returns what it is answered with.
    pub async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        exchange::ask(request, self.dialect.refuse).await
    }

    /// Sends it; the answer says no more than that it was a success.
    pub async fn tell(&self, request: RequestBuilder) -> Result<(), Trouble> {
        exchange::send(request, self.dialect.refuse).await.map(drop)
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.ask(self.request(Method::GET, path)).await
    }

    pub async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: &Value) -> Result<T, Trouble> {
        self.ask(self.request(method, path).json(body)).await
    }

    /// Like [`Self::get`]; `None` when there is no such thing.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ProviderError> {
        self.unless_missing(self.get(path).await)
    }

    /// The thing with this id on a shelf, such as `/file`. What is no id at all is that of nothing.
    pub async fn find_by_id<T: DeserializeOwned>(&self, shelf: &str, id: &str) -> Result<Option<T>, ProviderError> {
        if exchange::is_id(id) { self.find(&format!("{shelf}/{id}")).await } else { Ok(None) }
    }

    /// Deletes it; what is gone already is a success.
    pub async fn delete_by_id(&self, shelf: &str, id: &str) -> Result<(), ProviderError> {
        if !exchange::is_id(id) {
            return Ok(());
        }
        let deleted = self.tell(self.request(Method::DELETE, &format!("{shelf}/{id}"))).await;
        self.unless_missing(deleted).map(|_| ())
    }

    fn unless_missing<T>(&self, asked: Result<T, Trouble>) -> Result<Option<T>, ProviderError> {
        match asked {
            Ok(found) => Ok(Some(found)),
            Err(trouble) if (self.dialect.is_missing)(&trouble) => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// A request to a link that the provider gave us: without the key, and only where [`exchange::is_public`] lets it.
    pub fn link(&self, method: Method, link: &str, what: &str) -> Result<RequestBuilder, ProviderError> {
        if exchange::is_public(link, self.account.base()) {
            Ok(self.client.request(method, link))
        } else {
            Err(ProviderError::Malformed(format!("the link of the {what} is not a public one")))
        }
    }

    /// The sound behind such a link.
    pub async fn linked_sound(&self, link: &str) -> Result<Sound, ProviderError> {
        Ok(exchange::sound(self.link(Method::GET, link, "recording")?, self.dialect.refuse).await?)
    }
}
