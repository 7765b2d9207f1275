//! What must be set up at a provider before calls go through an account of it.

use super::{repo, sandbox};
use crate::actor::Actor;
use crate::agents::kept::{self, Speaker};
use crate::campaigns::repo::published_agent;
use crate::db::Db;
use crate::dialer::{self, Gateway, Network};
use crate::jobs::Job;
use crate::numbers;
use model::events::Topic;
use model::id::{CompanyId, GatewayId, NumberId};
use model::phone::Phone;
use providers::{Binding, Carrier, NumberImport, ProviderError, VoiceProvider};
use secrecy::ExposeSecret;

/// Has the provider tell us about calls, gives a sandbox its number, and publishes the company's agents there.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SetUpGateway {
    pub(super) company: CompanyId,
    pub(super) gateway: GatewayId,
}

impl Job for SetUpGateway {
    const QUEUE: &'static str = "gateways.set_up.v1";
    const ATTEMPTS_MAX: i32 = 8;

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let actor = Actor::engine(self.company);
        let mut tx = db.begin(&actor).await?;
        let gateway = dialer::gateway_for_reading(&mut tx, self.gateway).await?;
        let has_number = !repo::numbers(&mut tx, self.gateway).await?.is_empty();
        let phone = sandbox::phone(numbers::repo::count(&mut tx).await?)?;
        tx.commit().await?;
        match self.set_up(&db, &gateway, (!has_number).then_some(&phone)).await {
            Ok(()) => {}
            // Nothing but another setting will help: it is told where the setting is.
            Err(error) => match error.downcast_ref::<ProviderError>().filter(|error| !error.is_transient()) {
                Some(error) => {
                    let why = super::told(gateway.kind, error.clone()).to_string();
                    let mut tx = db.begin(&actor).await?;
                    repo::note_set_up(&mut tx, self.gateway, Some(&why)).await?;
                    crate::events::notice(&mut tx, Topic::Settings).await?;
                    return Ok(tx.commit().await?);
                }
                None => {
                    // It is tried again; until then this is what there is to say.
                    let why = error.downcast_ref::<ProviderError>().map_or_else(
                        || "Something went wrong on our side. It is tried again.".to_owned(),
                        |error| super::told(gateway.kind, error.clone()).to_string(),
                    );
                    let mut tx = db.begin(&actor).await?;
                    repo::note_set_up(&mut tx, self.gateway, Some(&why)).await?;
                    tx.commit().await?;
                    return Err(error);
                }
            },
        }
        let mut tx = db.begin(&actor).await?;
        repo::note_set_up(&mut tx, self.gateway, None).await?;
        kept::publish_all(&mut tx, self.gateway).await?;
        dialer::wake_company(&mut tx).await?;
        crate::events::notice(&mut tx, Topic::Settings).await?;
        Ok(tx.commit().await?)
    }
}

impl SetUpGateway {
    /// Everything that takes the network; what was done before a failure is not done again.
    async fn set_up(&self, db: &Db, gateway: &Gateway, number: Option<&Phone>) -> anyhow::Result<()> {
        let actor = Actor::engine(self.company);
        let provider = Network::shared()?.provider(gateway);
        if gateway.account.webhook_secret.is_none()
            && let Some(secret) = provider.listen(&gateway.hook(db.config())).await?
        {
            let mut tx = db.begin(&actor).await?;
            repo::set_webhook_secret(&mut tx, self.gateway, secret.expose_secret()).await?;
            tx.commit().await?;
        }
        if let Some(phone) = number.filter(|_| gateway.sandbox) {
            let remote = remote_number(provider.as_ref(), phone).await?;
            let mut tx = db.begin(&actor).await?;
            numbers::add(&mut tx, gateway, phone, "Sandbox", remote.as_deref()).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// The provider's id of a simulated number, made known to it.
async fn remote_number(provider: &dyn VoiceProvider, phone: &Phone) -> anyhow::Result<Option<String>> {
    let Some(numbers) = provider.numbers() else { return Ok(None) };
    if let Some(known) = numbers.list().await?.into_iter().find(|known| known.phone == *phone) {
        return Ok(Some(known.id));
    }
    let sip = Carrier::Sip { address: "sip.sandbox.example".to_owned(), username: None, password: None };
    let twilio = Carrier::Twilio { account_sid: "sandbox".to_owned(), auth_token: "sandbox".to_owned().into() };
    for carrier in [twilio, sip] {
        let import = NumberImport { phone: phone.clone(), label: "Sandbox".to_owned(), carrier };
        match numbers.import(&import).await {
            Err(ProviderError::Unsupported(_)) => {}
            answer => return Ok(Some(answer?.id)),
        }
    }
    Ok(None)
}

/// Has a number's provider ask us when somebody calls it, for the campaign that answers it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct BindNumber {
    pub(super) company: CompanyId,
    pub(super) number: NumberId,
}

impl Job for BindNumber {
    const QUEUE: &'static str = "gateways.bind_number.v1";
    const ATTEMPTS_MAX: i32 = 10;

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let Some((gateway, remote_id, agent)) = repo::bound(&mut tx, self.number).await? else { return Ok(()) };
        let gateway = dialer::gateway_for_reading(&mut tx, gateway).await?;
        let url = format!("{}/voice", gateway.hook(tx.config()));
        let speaker = match published_agent(&mut tx, agent).await? {
            Some(agent) => kept::speaker(&mut tx, &gateway, &agent).await?,
            None => return Ok(()), // it answers nothing before it is published
        };
        tx.commit().await?;
        let agent = match speaker {
            Speaker::Kept(agent) => Some(agent),
            Speaker::Anyone => None,
            Speaker::Pending | Speaker::Failed(_) => return Ok(()), // bound once it is there
        };
        let provider = Network::shared()?.provider(&gateway);
        let Some(numbers) = provider.numbers() else { return Ok(()) };
        numbers.bind(&remote_id, &Binding { agent, inbound_url: Some(url) }).await?;
        Ok(())
    }
}
