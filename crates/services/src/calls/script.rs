//! What a call says where the provider asks for it once somebody has picked up: the agent's script in the version the call was
//! made with, spoken by the agent's own voice if that can be had, read out by the provider otherwise.
//!
//! Why it is asked for, and not sent along: no document of Twilio's says what becomes of a call whose `<Play>` cannot be
//! fetched, and inside TwiML nothing can stand in for it. So we look first, when the person is there, and play only what we
//! have.

use super::{OPT_OUT_DIGIT, arrivals};
use crate::actor::Actor;
use crate::agents::{self, Listener};
use crate::contacts;
use crate::db::{Db, Tx};
use crate::dialer::Network;
use crate::error::{Error, Result};
use crate::inbox::{self, CallbackRequest, Refused, ReplyBody};
use crate::speech::{self, Voice};
use chrono::{DateTime, Utc};
use model::agents::AgentForm;
use model::calls::Turn;
use model::id::{CallId, GatewayId};
use providers::{Reply, Script};

/// What somebody hears who presses the key that means "do not call me again".
pub(crate) const OPTED_OUT: &str = "You will not be called again. Goodbye.";

/// Answers a provider's question "somebody has picked up, what shall they hear?" about a call of ours.
///
/// # Errors
/// See [`Refused`].
pub async fn script(db: &Db, gateway: GatewayId, call: CallId, request: CallbackRequest<'_>) -> Result<ReplyBody, Refused> {
    let (company, gateway) = inbox::route(db, gateway).await?;
    let network = Network::shared().map_err(Error::from)?;
    let provider = network.provider(&gateway);
    provider.verify(&request, db.clock().now()).map_err(|_| Refused::BadSignature)?;
    let mut tx = db.begin(&Actor::engine(company)).await?;
    // A call that we wrote off may be answered all the same: whoever is there hears what they must hear.
    let since = tx.now() - speech::HEARD_AFTER;
    let is_there = through(&mut tx, call, gateway.id).await?;
    let lines = if is_there { lines(&mut tx, call, since).await? } else { None };
    tx.commit().await?;
    let Some((agent, mut script)) = lines else { return Err(Refused::Malformed("no such call under way".to_owned())) };
    if let Some(voice) = Voice::of(&agent) {
        speech::give_voice(db, &network, company, call, &voice, &mut script).await;
    }
    let gather_url = format!("{}/gather?call={call}", gateway.hook(db.config()));
    Ok(provider.reply(&Reply::Talk { script, gather_url }))
}

/// Does the call go through this gateway?
async fn through(tx: &mut Tx, call: CallId, gateway: GatewayId) -> Result<bool> {
    let found: Option<GatewayId> =
        sqlx::query_scalar("select gateway_id from calls where id = $1").bind(call).fetch_optional(tx.conn()).await?;
    Ok(found == Some(gateway))
}

/// The agent of a call and what it says to this person; `None` for a call that was over before `since`, or that nobody took.
pub(crate) async fn lines(tx: &mut Tx, call: CallId, since: DateTime<Utc>) -> Result<Option<(AgentForm, Script)>> {
    let is_on: Option<bool> =
        sqlx::query_scalar("select status <> 'ended' or coalesce(ended_at, created_at) >= $2 from calls where id = $1")
            .bind(call)
            .bind(since)
            .fetch_optional(tx.conn())
            .await?;
    if is_on != Some(true) {
        return Ok(None);
    }
    let told = arrivals::told(tx, call).await?;
    let listener = listener(&told);
    Ok(told.agent.filter(|_| told.declined.is_none()).map(|(_, _, form)| {
        let script = agents::script(&form, &listener);
        (form, script)
    }))
}

/// What was read out in a call of which nobody wrote down the words: the script in the version it was made with, and the keys that
/// were pressed, each after what was being said. Somebody who hung up early heard less of it.
pub(super) async fn read_out(tx: &mut Tx, call: CallId, digits: &str) -> Result<Vec<Turn>> {
    let told = arrivals::told(tx, call).await?;
    let listener = listener(&told);
    let Some((_, _, form)) = told.agent.filter(|_| told.declined.is_none()) else { return Ok(Vec::new()) };
    let script = agents::script(&form, &listener);
    let turn = |speaker: &str, text: String| Turn { speaker: speaker.to_owned(), text, seconds: None };
    let mut turns = vec![turn("agent", script.greeting), turn("agent", script.main)];
    turns.extend(digits.chars().map(|key| turn("person", format!("Pressed {key}"))));
    // A key ends the script: an opt-out is answered, any other is only noted.
    if digits.contains(OPT_OUT_DIGIT) {
        turns.push(turn("agent", OPTED_OUT.to_owned()));
    } else if digits.is_empty() {
        turns.push(turn("agent", script.closing));
    }
    turns.retain(|turn| !turn.text.trim().is_empty());
    Ok(turns)
}

/// Whom the call is with.
pub(super) fn listener(told: &arrivals::Told) -> Listener {
    Listener {
        name: told.contact_name.clone().filter(|name| name != contacts::UNKNOWN_CALLER),
        contact_company: told.contact_company.clone().unwrap_or_default(),
        company: told.company.clone(),
    }
}
