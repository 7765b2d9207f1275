//! Somebody calls one of our numbers: decided, paid for and recorded in one transaction, then answered from what was
//! recorded, so that a webhook that comes twice hears the same. The end settles in `absorb`, like any call's.

use super::{arrivals, repo, script, step};
use crate::actor::Actor;
use crate::agents;
use crate::agents::kept::{self, Speaker};
use crate::campaigns::{self, repo::Answering, stats::Tally};
use crate::contacts;
use crate::credits::Purse;
use crate::db::{Db, Tx};
use crate::dialer::window::{self, Opening};
use crate::dialer::{self, Gateway, Network, PublishedAgent, Seat};
use crate::error::{Error, Result};
use crate::inbox::{self, CallbackRequest, Refused, ReplyBody};
use crate::numbers::{self, repo::Bound};
use crate::speech::{self, Voice};
use crate::webhooks::Told;
use crate::{companies, credits, enrollments, suppressions};
use model::calls::{CallState, CallStatus, Declined, Outcome};
use model::campaigns::Status;
use model::credits::{Credits, Price};
use model::events::{EventKind, Topic};
use model::id::{CallId, CampaignId, GatewayId};
use model::phone::Phone;
use model::webhooks::WebhookEvent;
use providers::{Incoming, Reply};

/// What a caller hears when no campaign says otherwise.
const FALLBACK: &str = "Thank you for calling. Nobody can take your call right now. Goodbye.";
const FALLBACK_LANGUAGE: &str = "en-US";
/// What Twilio itself shows for a hidden number: ANONYMOUS on a keypad.
pub(super) const HIDDEN: &str = "+266696687";

/// Answers a provider's question "somebody calls this number, what shall I say?". The call is recorded before.
///
/// # Errors
/// See [`Refused`]; nothing is recorded then.
pub async fn answer(db: &Db, gateway: GatewayId, request: CallbackRequest<'_>) -> Result<ReplyBody, Refused> {
    let (company, gateway) = inbox::route(db, gateway).await?;
    let network = Network::shared().map_err(Error::from)?;
    let provider = network.provider(&gateway);
    provider.verify(&request, db.clock().now()).map_err(|_| Refused::BadSignature)?;
    let incoming = provider.parse_inbound(&request).map_err(|e| Refused::Malformed(e.to_string()))?;
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let call = take(&mut tx, &gateway, &incoming).await?;
    let (mut reply, voice) = reply_to(&mut tx, &gateway, call).await?;
    tx.commit().await?;
    if let (Reply::Talk { script, .. }, Some(voice)) = (&mut reply, voice) {
        speech::give_voice(db, &network, company, call, &voice, script).await;
    }
    Ok(provider.reply(&reply))
}

/// The call of this webhook: the one recorded before, or a new one, taken or declined.
/// Lock order: slots of company, gateway, campaign and number, campaign, phone number, balances.
async fn take(tx: &mut Tx, gateway: &Gateway, incoming: &Incoming) -> Result<CallId> {
    // Two webhooks of one call wait for each other at the company's slots; the second finds what the first recorded.
    let company_has_room = dialer::lock_company_slots(tx).await?;
    if let Some(known) = repo::find_asked(tx, gateway.id, incoming.id.as_str()).await? {
        return Ok(known);
    }
    let number = numbers::repo::find(tx, gateway.id, &incoming.to).await?;
    let campaign = number.as_ref().and_then(|number| number.campaign);
    let has_room = company_has_room && dialer::lock_more_slots(tx, gateway.id, campaign, number.as_ref().map(|n| n.id)).await?;
    let phone = match &incoming.from {
        Some(phone) => phone.clone(),
        None => Phone::parse(HIDDEN).map_err(anyhow::Error::from)?,
    };
    let answering = match campaign {
        Some(id) => Some(campaigns::repo::lock_answering(tx, id).await?),
        None => None,
    };
    suppressions::lock_phones(tx, std::slice::from_ref(&phone)).await?;
    // Whoever reaches one of our numbers becomes a contact, taken or not; a hidden number is nobody.
    let contact = match (&number, &incoming.from) {
        (Some(_), Some(phone)) => Some(contacts::caller(tx, phone).await?),
        _ => None,
    };
    let call: CallId = tx.id();
    let verdict = judge(tx, call, gateway, number.as_ref(), answering, has_room, &phone).await?;
    let arrival = arrivals::Arrival {
        call,
        gateway: gateway.id,
        number: number.as_ref().map(|n| n.id),
        campaign,
        contact,
        phone: &phone,
        to: &incoming.to,
        provider_call_id: incoming.id.as_str(),
    };
    match verdict {
        Verdict::Take(offer) => accept(tx, gateway, &arrival, &offer).await?,
        Verdict::Decline(why, settings_version) => decline(tx, &arrival, why, settings_version).await?,
    }
    crate::events::notice(tx, Topic::Calls).await?;
    Ok(call)
}

/// Everything a call that is taken is made with; the credits are held already.
struct Offer {
    campaign: CampaignId,
    settings_version: i32,
    agent: PublishedAgent,
    price: Price,
    seconds_max: i64,
    held: Credits,
}

enum Verdict {
    Take(Box<Offer>),
    /// With the version of the settings whose fallback text is said.
    Decline(Declined, i32),
}

/// May this call be taken? Whoever is on the suppression list may call us all the same: it is their call.
async fn judge(
    tx: &mut Tx,
    call: CallId,
    gateway: &Gateway,
    number: Option<&Bound>,
    answering: Option<Answering>,
    has_room: bool,
    phone: &Phone,
) -> Result<Verdict> {
    if number.is_none() {
        return Ok(Verdict::Decline(Declined::UnknownNumber, 0));
    }
    let Some(c) = answering else { return Ok(Verdict::Decline(Declined::NoCampaign, 0)) };
    let no = |why| Ok(Verdict::Decline(why, c.settings_version));
    if c.status != Status::Active || companies::is_suspended(tx).await? {
        return no(Declined::Paused);
    }
    let settings = companies::settings(tx).await?;
    let zone = settings.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let hours = c.form.hours.as_ref().unwrap_or(&settings.hours);
    let holidays = companies::holidays(tx).await?;
    if !matches!(window::answering(tx.now(), hours, &holidays, zone), Opening::Now { .. }) {
        return no(Declined::OutsideHours);
    }
    let agent = match c.agent {
        Some(agent) => campaigns::repo::published_agent(tx, agent).await?,
        None => None,
    };
    let Some(agent) = agent else { return no(Declined::NoAgent) };
    if !matches!(kept::speaker(tx, gateway, &agent).await?, Speaker::Anyone | Speaker::Kept(_)) {
        return no(Declined::NoAgent);
    }
    if !has_room {
        return no(Declined::NoLine);
    }
    if phone.as_str() != HIDDEN && !enrollments::repo::live_phones(tx, std::slice::from_ref(phone)).await?.is_empty() {
        return no(Declined::OnCall);
    }
    let price = credits::tariff(tx, credits::ENGINE, [phone]).await?.price(phone);
    let seconds_max = i64::from(c.form.call_minutes_max.min(settings.call_minutes_max)) * 60;
    let held = price.cost(seconds_max);
    match credits::hold(tx, Purse::Available(Some(c.id)), &[(call, held)]).await {
        Ok(_) => {}
        Err(Error::Told(model::Error::InsufficientCredits { .. })) => return no(Declined::NoCredits),
        Err(e) => return Err(e),
    }
    let settings_version = c.settings_version;
    Ok(Verdict::Take(Box::new(Offer { campaign: c.id, settings_version, agent, price, seconds_max, held })))
}

async fn accept(tx: &mut Tx, gateway: &Gateway, arrival: &arrivals::Arrival<'_>, offer: &Offer) -> Result<()> {
    let check_at = tx.now() + dialer::inbound_check(offer.seconds_max, gateway.speed(tx.config()));
    let terms = arrivals::InboundTerms {
        agent: offer.agent.0,
        agent_version: offer.agent.1,
        settings_version: offer.settings_version,
        price: offer.price,
        seconds_max: i32::try_from(offer.seconds_max).unwrap_or(i32::MAX),
        held: offer.held,
        check_at,
    };
    arrivals::insert_taken(tx, arrival, &terms).await?;
    let seat = Seat { campaign: offer.campaign, gateway: gateway.id, number: arrival.number };
    dialer::move_slots(tx, &[seat], 1).await?;
    let state = CallState::live(CallStatus::Answered);
    tx.tell(Told::call(WebhookEvent::CallStarted, arrival.call, arrival.campaign, arrival.phone, state));
    step(tx, arrival.call, "Answered", &format!("{} speaks", offer.agent.2.name)).await
}

/// Recorded with the reason, and over for us: nothing is held, so there is nothing to settle later.
async fn decline(tx: &mut Tx, arrival: &arrivals::Arrival<'_>, why: Declined, settings_version: i32) -> Result<()> {
    arrivals::insert_declined(tx, arrival, why, settings_version).await?;
    if let Some(campaign) = arrival.campaign {
        campaigns::stats::count(tx, campaign, &Tally::of(Outcome::Rejected, 0, Credits::ZERO)).await?;
    }
    step(tx, arrival.call, "Not taken", why.label()).await?;
    let state = CallState::ended(Outcome::Rejected);
    tx.tell(Told::ended(arrival.call, arrival.campaign, arrival.phone, state, 0, Credits::ZERO));
    let text = format!("Inbound call not taken: {}", why.label().to_lowercase());
    tx.record(EventKind::CallEnded, Some(arrival.call.to_string()), text).await
}

/// What the caller hears, read back from the record: agent and texts in the versions that the call was taken with. And the voice
/// to say it, if the agent has one.
async fn reply_to(tx: &mut Tx, gateway: &Gateway, call: CallId) -> Result<(Reply, Option<Voice>)> {
    let told = arrivals::told(tx, call).await?;
    let listener = script::listener(&told);
    let fallback = told.fallback.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| FALLBACK.to_owned());
    let Some(agent) = told.agent.filter(|_| told.declined.is_none()) else {
        if gateway.kind.is_conversational() {
            return Ok((Reply::Decline, None)); // it reads nothing out
        }
        let reply = Reply::SayAndHangUp { text: fallback, language: FALLBACK_LANGUAGE.to_owned(), voice: None };
        return Ok((reply, None));
    };
    if !gateway.kind.is_conversational() {
        let gather_url = format!("{}/gather?call={call}", gateway.hook(tx.config()));
        return Ok((Reply::Talk { script: agents::script(&agent.2, &listener), gather_url }, Voice::of(&agent.2)));
    }
    // It was there when the call was taken. A newer version may be on its way by now; this call goes on with what is there.
    let reply = match kept::there(tx, gateway, agent.0).await? {
        Some(remote) => Reply::Connect { call, agent: remote, variables: kept::variables(&agent.2, &listener) },
        None => Reply::Decline,
    };
    Ok((reply, None))
}
