//! The companies that one opened for its own clients: opening one, what it may, giving it credits, and acting inside. One level deep:
//! a client opens no companies. A client's record says what was done to it, and nothing a client does reaches up or sideways.

use super::{repo, visiting};
use crate::accounts::{self, Caller, Client};
use crate::actor::{Actor, SystemTask};
use crate::companies::{self, changes};
use crate::credits;
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::{features, team};
use model::Error;
use model::accounts::{Permission, Role};
use model::clients::{NewClient, OwnClients, check_limit};
use model::credits::Credits;
use model::error::Check;
use model::events::EventKind;
use model::features::Feature;
use model::id::{CompanyId, MovementId};

/// Companies that one may open.
pub const CLIENTS_MAX: i64 = 200;
/// Longest note with credits.
const NOTE_MAX: usize = 200;

/// Above companies, for somebody who may look after their own company's clients.
async fn above(db: &Db, actor: &Actor) -> Result<SystemTx> {
    actor.require(Permission::ManageClients)?;
    let mut tx = db.begin(actor).await?;
    features::require(&mut tx, Feature::ClientCompanies).await?;
    tx.commit().await?;
    db.begin_system(SystemTask::Clients).await
}

/// One of one's own clients, locked. Any other company is as good as none.
async fn own(tx: &mut SystemTx, actor: &Actor, client: CompanyId) -> Result<repo::Own> {
    Ok(repo::lock_own(tx, actor.company(), client).await?.ok_or_else(|| Error::not_found("company"))?)
}

/// One's own clients, the newest first, and what there is to give them.
///
/// # Errors
/// `Forbidden` without `ManageClients`; `Conflict` in a company that has none.
pub async fn list(db: &Db, actor: &Actor) -> Result<OwnClients> {
    let mut tx = above(db, actor).await?;
    let clients = repo::own_clients(&mut tx, actor).await?;
    let available = repo::available(&mut tx, actor.company()).await?;
    Ok(OwnClients { clients, available, gift: tx.id() })
}

/// Opens a company for a client, without credits, and asks its first administrator in by mail.
///
/// # Errors
/// `Forbidden`; `Invalid` with a message per field; `Conflict` beyond [`CLIENTS_MAX`] and while one's own e-mail is not confirmed.
pub async fn open(db: &Db, actor: &Actor, new: &NewClient) -> Result<CompanyId> {
    new.check()?;
    let mut tx = above(db, actor).await?;
    if !actor.user.as_ref().is_some_and(|user| user.confirmed) {
        return Err(Error::conflict("Confirm your own e-mail before you open companies for others.").into());
    }
    let parent = actor.company();
    repo::lock(&mut tx, parent).await?.ok_or_else(|| Error::not_found("company"))?;
    if repo::is_client(&mut tx, parent).await? {
        return Err(Error::conflict("A company that is a client itself opens none.").into());
    }
    if repo::count_own(&mut tx, parent).await? >= CLIENTS_MAX {
        return Err(Error::conflict(format!("A company opens at most {CLIENTS_MAX} others.")).into());
    }
    let id: CompanyId = tx.id();
    companies::found(&mut tx, id, &new.name, actor.zone.name()).await?;
    repo::insert_terms(&mut tx, parent, id, new.concurrency_max).await?;
    repo::lower(&mut tx, id, new.concurrency_max).await?;
    let inside = administering(actor, id);
    let mut tx = tx.inside(&inside).await?;
    let text = format!("Opened by {}, with {} calls at once at most", actor.name(), new.concurrency_max);
    tx.record(EventKind::ClientOpened, Some(id.to_string()), text).await?;
    let mut tx = tx.outside().await?.inside(actor).await?;
    tx.record(EventKind::ClientOpened, Some(id.to_string()), format!("{} opened for a client", new.name.trim())).await?;
    let (tx, _) = team::invite_in(tx.outside().await?, &inside, &new.email, Role::CompanyAdmin).await?;
    tx.commit().await?;
    Ok(id)
}

/// Somebody of the reseller inside a client, as an administrator there.
fn administering(actor: &Actor, client: CompanyId) -> Actor {
    let role = if actor.role == Role::SuperAdmin { Role::SuperAdmin } else { Role::CompanyAdmin };
    Actor { role, ..visiting(actor, client) }
}

/// Sets how many calls at once a client may choose. One that chose more has as many from now on.
///
/// # Errors
/// `Forbidden`; `NotFound` for a company that is no own client; `Invalid` on `concurrency_max`.
pub async fn set_limit(db: &Db, actor: &Actor, client: CompanyId, concurrency_max: i32) -> Result<()> {
    check_limit(concurrency_max)?;
    let mut tx = above(db, actor).await?;
    let before = own(&mut tx, actor, client).await?.concurrency_max;
    repo::set_limit(&mut tx, client, concurrency_max).await?;
    repo::lower(&mut tx, client, concurrency_max).await?;
    let mut tx = tx.inside(&administering(actor, client)).await?;
    let text = changes("Limits", &[("calls at once at most", &before, &concurrency_max)]);
    tx.record(EventKind::SettingsChanged, Some(client.to_string()), text).await?;
    tx.commit().await
}

/// Gives a client credits of one's own: they leave here and arrive there in one commit, or nothing happens. `id` names the gift:
/// the same gift sent again, by a second click or a lost answer, is given once.
///
/// # Errors
/// `Forbidden`; `NotFound` for a company that is no own client; `Invalid` on `amount` or `note`; `InsufficientCredits`.
pub async fn give(db: &Db, actor: &Actor, client: CompanyId, id: MovementId, amount: Credits, note: &str) -> Result<()> {
    let note = note.trim();
    Check::new()
        .need((Credits(1)..=credits::ADJUST_MAX).contains(&amount), "amount", "Give 0.001 to 1,000,000,000 credits.")
        .need(note.chars().count() <= NOTE_MAX, "note", &format!("Use at most {NOTE_MAX} characters."))
        .done()?;
    let mut tx = above(db, actor).await?;
    let name = own(&mut tx, actor, client).await?.name;
    let key = format!("transfer:{id}:{client}:{amount}");
    let colon = if note.is_empty() { "" } else { ": " };
    // The reseller first, always: whoever gives to several clients at once waits in one order.
    let mut tx = tx.inside(actor).await?;
    if !credits::give(&mut tx, &key, amount, &name).await? {
        return Ok(());
    }
    let text = format!("Gave {name} {amount} credits{colon}{note}");
    tx.record(EventKind::CreditsMoved, Some(client.to_string()), text).await?;
    let mut tx = tx.outside().await?.inside(&administering(actor, client)).await?;
    credits::receive(&mut tx, &key, amount, note).await?;
    let text = format!("Got {amount} credits from {}{colon}{note}", actor.name());
    tx.record(EventKind::CreditsMoved, Some(client.to_string()), text).await?;
    tx.commit().await?;
    // What follows from a changed balance, each side in a transaction of its own company. Both find out by themselves too.
    for (company, brought) in [(actor.company(), false), (client, true)] {
        if let Err(error) = credits::look(db, company, brought).await {
            tracing::warn!(%company, %error, "a changed balance is noticed later");
        }
    }
    Ok(())
}

/// Goes into one of one's own clients, as an administrator there. Returns the token of a session there; the one before ends. The
/// client reads it.
///
/// # Errors
/// `Forbidden`; `NotFound` for a company that is no own client; `Conflict` for a visitor elsewhere and for a suspended client.
pub async fn enter(db: &Db, caller: &Caller, company: CompanyId, client: &Client) -> Result<String> {
    let mut tx = above(db, &caller.actor).await?;
    if caller.acting {
        return Err(Error::conflict("You act inside a company already. Leave it first.").into());
    }
    if own(&mut tx, &caller.actor, company).await?.suspended {
        return Err(Error::conflict("It is suspended by whoever runs this Belfry.").into());
    }
    let token = accounts::visit(&mut tx, caller, company, client).await?;
    let inside = administering(&caller.actor, company);
    let mut tx = tx.inside(&inside).await?;
    let text = format!("{} acts inside as {}, from {}", inside.name(), inside.role.label().to_lowercase(), client.ip);
    tx.record(EventKind::CompanyEntered, Some(company.to_string()), text).await?;
    tx.commit().await?;
    Ok(token)
}

/// The most calls at once that this company may choose, where a reseller set a limit.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn limit(tx: &mut Tx) -> Result<Option<i32>> {
    repo::limit(tx).await
}
