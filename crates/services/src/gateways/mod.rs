//! Gateways: a company's accounts at telephone providers. Connecting one, looking whether it works, and its numbers.
//! How calls go through them is `dialer::gateway`; the agents kept there are `agents::kept`.

mod jobs;
pub(crate) mod repo;
pub(crate) mod sandbox;
#[cfg(test)]
mod tests;

pub use jobs::{BindNumber, SetUpGateway};

use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::dialer::{self, Network};
use crate::error::Result;
use crate::numbers;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::accounts::Permission;
use model::events::EventKind;
use model::gateways::{Gateway, GatewayForm, GatewayRow, GatewayTest, ListedNumber, ProviderKind};
use model::id::{GatewayId, NumberId};
use model::phone::Phone;
use providers::{AccountInfo, ProviderError, RemoteNumber};
use repo::NewGateway;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;

/// Gateways of one company.
const GATEWAYS_MAX: i64 = 20;
/// Characters of a key that are shown.
const SHOWN: usize = 4;

/// The company's gateways, without their keys, for every role.
///
/// # Errors
/// When the database refuses.
pub async fn list(tx: &mut Tx) -> Result<Vec<GatewayRow>> {
    let listed = repo::list(tx, None).await?;
    Ok(listed.into_iter().map(|one| row(tx, one)).collect())
}

fn row(tx: &Tx, g: repo::Listed) -> GatewayRow {
    GatewayRow {
        id: g.id,
        name: g.name,
        kind: g.kind,
        sandbox: g.sandbox,
        numbers: g.numbers,
        concurrency_max: g.concurrency_max,
        calls_per_second: g.calls_per_second,
        open_until: g.open_until.filter(|at| *at > tx.now()).map(|at| tx.moment(at)),
    }
}

/// The provider of one of the company's gateways.
pub(crate) async fn kind(tx: &mut Tx, id: GatewayId) -> Result<Option<ProviderKind>> {
    Ok(repo::list(tx, Some(id)).await?.pop().map(|listed| listed.kind))
}

/// Why a gateway could not be set up; `None` when it was, or is about to be.
pub(crate) async fn problem(tx: &mut Tx, id: GatewayId) -> Result<Option<String>> {
    let listed = repo::list(tx, Some(id)).await?.pop();
    Ok(listed.map(|listed| listed.problem).filter(|problem| !problem.is_empty()))
}

/// Why no call can go through a gateway yet: it is being set up, or could not be.
pub(crate) async fn trouble(tx: &mut Tx, id: GatewayId) -> Result<Option<String>> {
    let Some(listed) = repo::list(tx, Some(id)).await?.pop() else { return Ok(None) };
    let is_pending = listed.set_up_at.is_none().then(|| "It is still being set up.".to_owned());
    Ok(Some(listed.problem).filter(|problem| !problem.is_empty()).or(is_pending))
}

/// One gateway with what its owner needs to connect it; its keys are masked.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `NotFound`.
pub async fn load(tx: &mut Tx, id: GatewayId) -> Result<Gateway> {
    tx.require(Permission::ManageSettings)?;
    let listed = repo::list(tx, Some(id)).await?.pop().ok_or_else(missing)?;
    let stored = dialer::gateway_for_reading(tx, id).await?;
    let account = &stored.account;
    let hook = stored.hook(tx.config());
    let news_url = match (&account.webhook_secret, stored.kind) {
        // Nothing signs what Maqsam sends: a secret in the address says who it is.
        (Some(secret), ProviderKind::Maqsam) => {
            let parameter = account.options.get("webhook_parameter").map_or("token", String::as_str);
            format!("{hook}?{parameter}={}", secret.expose_secret())
        }
        _ => hook.clone(),
    };
    let is_default = account.base_url == tx.config().sandbox_url || account.base_url == providers::base_url(stored.kind);
    Ok(Gateway {
        base_url: if is_default { String::new() } else { account.base_url.clone() },
        account: account.id.clone(),
        secret: masked(account.secret.expose_secret()),
        has_webhook_secret: account.webhook_secret.is_some(),
        options: account.options.clone().into_iter().collect(),
        news_url,
        calls_in_url: format!("{hook}/voice"),
        is_pending: listed.set_up_at.is_none() && listed.problem.is_empty(),
        problem: listed.problem.clone(),
        callers: repo::callers(tx).await?,
        agents: repo::kept(tx, Some(id), None).await?,
        row: row(tx, listed),
    })
}

/// Enough of a key to tell it from another.
fn masked(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    let shown = if chars.len() >= 4 * SHOWN { chars[chars.len() - SHOWN..].iter().collect() } else { String::new() };
    format!("••••••••{shown}")
}

fn missing() -> model::Error {
    model::Error::not_found("gateway")
}

/// Connects an account. What must be set up at the provider follows in the background.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `Invalid`; `Conflict` with too many.
pub async fn create(tx: &mut Tx, form: &GatewayForm) -> Result<GatewayId> {
    tx.require(Permission::ManageSettings)?;
    form.check(true)?;
    if repo::count(tx).await? >= GATEWAYS_MAX {
        return Err(model::Error::conflict(format!("A company has at most {GATEWAYS_MAX} gateways.")).into());
    }
    let (id, now): (GatewayId, _) = (tx.id(), tx.now());
    let given = sandbox::Keys {
        account: form.account.trim().to_owned(),
        secret: form.secret.trim().to_owned(),
        options: BTreeMap::new(),
    };
    let network = tx.config().sandbox_secret.clone();
    let mut keys = if form.sandbox { sandbox::keys(form.kind, network.expose_secret(), id) } else { given };
    keys.options.extend(form.read_options().unwrap_or_default());
    let webhook_secret = match form.webhook_secret.trim() {
        "" => makes_webhook_secret(form.kind).then(|| BASE64_URL_SAFE_NO_PAD.encode(tx.secret())),
        given => Some(given.to_owned()),
    };
    let url = form.base_url.trim().trim_end_matches('/');
    let new = NewGateway {
        id,
        name: form.name.trim(),
        kind: form.kind,
        sandbox: form.sandbox,
        base_url: (!url.is_empty() && !form.sandbox).then_some(url),
        account: &keys.account,
        secret: &keys.secret,
        webhook_secret: webhook_secret.as_deref(),
        options: &keys.options,
        concurrency_max: form.concurrency_max,
        calls_per_second: form.calls_per_second,
    };
    repo::insert(tx.conn(), new, now).await?;
    set_up(tx, id).await?;
    let text = format!("Gateway {} connected: {}", form.name.trim(), form.kind.label());
    tx.record(EventKind::SettingsChanged, Some(id.to_string()), text).await?;
    Ok(id)
}

/// Where the secret that proves a callback is for us to make up.
const fn makes_webhook_secret(kind: ProviderKind) -> bool {
    match kind {
        ProviderKind::Vapi | ProviderKind::Maqsam => true,
        ProviderKind::Twilio | ProviderKind::Retell | ProviderKind::ElevenLabs => false,
    }
}

/// Has the providers of these numbers ask us about calls, after this commit.
pub(crate) async fn bind_numbers(tx: &mut Tx, numbers: &[NumberId]) -> Result<()> {
    for number in numbers {
        let job = BindNumber { company: tx.actor().company(), number: *number };
        tx.enqueue(&job).await?;
    }
    Ok(())
}

/// What must be set up at the provider is set up after this commit.
async fn set_up(tx: &mut Tx, gateway: GatewayId) -> Result<()> {
    let job = SetUpGateway { company: tx.actor().company(), gateway };
    tx.enqueue(&job).await
}

/// Changes a gateway. Provider and sandbox stay what they are; an empty key stays the one that is kept.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `NotFound`; `Invalid`.
pub async fn edit(tx: &mut Tx, id: GatewayId, form: &GatewayForm) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let listed = repo::list(tx, Some(id)).await?.pop().ok_or_else(missing)?;
    let form = GatewayForm { kind: listed.kind, sandbox: listed.sandbox, ..form.clone() };
    form.check(false)?;
    let stored = dialer::gateway_for_reading(tx, id).await?;
    let (secret, webhook_secret) = (form.secret.trim(), form.webhook_secret.trim());
    // What a sandbox is connected with was made up for it, and stays.
    let form = if form.sandbox { GatewayForm { base_url: String::new(), ..form.clone() } } else { form.clone() };
    let options = if form.sandbox { stored.account.options.clone() } else { form.read_options().unwrap_or_default() };
    let keys = if form.sandbox {
        repo::Keys { account: &stored.account.id, secret: None, webhook_secret: None }
    } else {
        repo::Keys {
            account: form.account.trim(),
            secret: (!secret.is_empty()).then_some(secret),
            webhook_secret: (!webhook_secret.is_empty()).then_some(webhook_secret),
        }
    };
    let has_keys = keys.secret.is_some() || keys.webhook_secret.is_some() || keys.account != stored.account.id;
    repo::set_slots(tx, id, form.concurrency_max).await?;
    repo::update(tx, id, &form, keys, &options).await?;
    let now = dialer::gateway_for_reading(tx, id).await?;
    let is_another = has_keys || options != stored.account.options || now.account.base_url != stored.account.base_url;
    if is_another {
        // Another account does not know the calls of this one: they would look as if they had never been placed.
        if repo::is_busy(tx, id).await? {
            let why = "Calls are under way through this account. Pause its campaigns, wait for the calls to end, and save again.";
            return Err(model::Error::conflict(why).into());
        }
    }
    // What was set up in one account is not so in another; and whoever saves again wants what failed to be tried again.
    if is_another || listed.set_up_at.is_none() || !listed.problem.is_empty() {
        set_up(tx, id).await?;
    }
    dialer::wake_company(tx).await?;
    tx.record(EventKind::SettingsChanged, Some(id.to_string()), format!("Gateway {} changed", form.name.trim())).await
}

/// The adapter of a gateway, outside of any transaction, for somebody who manages settings.
async fn reach(db: &Db, actor: &Actor, id: GatewayId) -> Result<(dialer::Gateway, dialer::Provider)> {
    let mut tx = db.begin(actor).await?;
    tx.require(Permission::ManageSettings)?;
    repo::list(&mut tx, Some(id)).await?.pop().ok_or_else(missing)?;
    let gateway = dialer::gateway_for_reading(&mut tx, id).await?;
    tx.commit().await?;
    let provider = Network::shared()?.provider(&gateway);
    Ok((gateway, provider))
}

/// What a provider's trouble means for whoever pressed a button.
pub(crate) fn told(kind: ProviderKind, error: ProviderError) -> model::Error {
    match error {
        error if error.is_transient() => model::Error::Unavailable { provider: kind.label().to_owned() },
        ProviderError::Refused(refusal) => model::Error::conflict(format!("{} refuses: {}", kind.label(), refusal.message)),
        other => model::Error::conflict(format!("{}: {other}", kind.label())),
    }
}

/// Looks whether the account works, and what is in it. A key that is refused is an answer, not an error.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `NotFound`.
pub async fn test(db: &Db, actor: &Actor, id: GatewayId) -> Result<GatewayTest> {
    let (gateway, provider) = reach(db, actor, id).await?;
    let account = match provider.check().await {
        Ok(account) => account,
        Err(error) => return Ok(GatewayTest { ok: false, lines: vec![told(gateway.kind, error).to_string()] }),
    };
    let mut lines = vec![account.name.clone()];
    lines.extend(balance(&account));
    if let Some(voices) = provider.voices() {
        lines.push(counted("voice", voices.list().await.map(|all| all.len())));
    }
    if let Some(numbers) = provider.numbers() {
        lines.push(counted("number", numbers.list().await.map(|all| all.len())));
    }
    if let Some(staff) = provider.staff() {
        lines.extend(colleagues(staff).await);
    }
    if !account.active {
        lines.push("The account may not place calls.".to_owned());
    }
    Ok(GatewayTest { ok: account.active, lines })
}

fn balance(account: &AccountInfo) -> Option<String> {
    let (micros, currency) = (account.balance_micros?, account.currency.as_deref()?);
    let sign = if micros < 0 { "-" } else { "" };
    Some(format!("Balance {sign}{}.{:02} {currency}", micros.abs() / 1_000_000, micros.abs() % 1_000_000 / 10_000))
}

fn counted(what: &str, found: Result<usize, ProviderError>) -> String {
    match found {
        Ok(1) => format!("1 {what}"),
        Ok(n) => format!("{n} {what}s"),
        Err(error) => format!("The {what}s could not be listed: {error}"),
    }
}

async fn colleagues(staff: &dyn providers::Staff) -> Vec<String> {
    let Ok(all) = staff.list().await else { return Vec::new() };
    let may_call = all.into_iter().filter(|one| one.may_call);
    may_call.map(|one| format!("{} ({})", one.name, one.id)).take(20).collect()
}

/// The numbers of the account, and which of them are ours already.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `NotFound`; `Conflict` or `Unavailable` from the provider.
pub async fn listed_numbers(db: &Db, actor: &Actor, id: GatewayId) -> Result<Vec<ListedNumber>> {
    let (_, there) = numbers_there(db, actor, id).await?;
    let mut tx = db.begin(actor).await?;
    let ours: BTreeMap<String, NumberId> = repo::numbers(&mut tx, id).await?.into_iter().map(|(id, phone)| (phone, id)).collect();
    tx.commit().await?;
    let listed = |number: RemoteNumber| ListedNumber {
        imported: ours.get(number.phone.as_str()).copied(),
        phone: number.phone.to_string(),
        label: number.label.unwrap_or_default(),
    };
    Ok(there.into_iter().map(listed).collect())
}

async fn numbers_there(db: &Db, actor: &Actor, id: GatewayId) -> Result<(dialer::Gateway, Vec<RemoteNumber>)> {
    let (gateway, provider) = reach(db, actor, id).await?;
    let Some(numbers) = provider.numbers() else {
        let why = format!("{} does not list its numbers; enter them by hand.", gateway.kind.label());
        return Err(model::Error::conflict(why).into());
    };
    let there = numbers.list().await.map_err(|error| told(gateway.kind, error))?;
    Ok((gateway, there))
}

/// Takes numbers of the account over, with the provider's ids of them. What is ours already is left alone; returns how many
/// are new.
///
/// # Errors
/// As [`listed_numbers`]; `Conflict` with too many, or when a number is not in the account.
pub async fn import_numbers(db: &Db, actor: &Actor, id: GatewayId, phones: &[String]) -> Result<usize> {
    let (gateway, there) = numbers_there(db, actor, id).await?;
    let chosen: Vec<_> = there.into_iter().filter(|number| phones.iter().any(|phone| phone == number.phone.as_str())).collect();
    if chosen.len() < phones.len() {
        return Err(model::Error::conflict("One of these numbers is no longer in the account. List them again.").into());
    }
    let mut tx = db.begin(actor).await?;
    let mut added = 0;
    for number in &chosen {
        let label = number.label.as_deref().unwrap_or_default();
        added += usize::from(numbers::add(&mut tx, &gateway, &number.phone, label, Some(&number.id)).await?);
    }
    tx.commit().await?;
    Ok(added)
}

/// Adds a number by hand, for a provider that does not list them.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `NotFound`; `Invalid`; `Conflict` when the provider knows its numbers itself.
pub async fn add_number(tx: &mut Tx, id: GatewayId, phone: &str, label: &str) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    repo::list(tx, Some(id)).await?.pop().ok_or_else(missing)?;
    let gateway = dialer::gateway_for_reading(tx, id).await?;
    if gateway.kind.dials_by_number_id() {
        let why = format!("{} calls from numbers that it knows: import them.", gateway.kind.label());
        return Err(model::Error::conflict(why).into());
    }
    let phone = Phone::parse(phone.trim())
        .map_err(|_| model::Error::field("phone", "Enter the number with its country code, like +12025550100."))?;
    if label.chars().count() > 60 {
        return Err(model::Error::field("label", "Use at most 60 characters.").into());
    }
    if !numbers::add(tx, &gateway, &phone, label.trim(), None).await? {
        return Err(model::Error::field("phone", "This number is there already.").into());
    }
    Ok(())
}
