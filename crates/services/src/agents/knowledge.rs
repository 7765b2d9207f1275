//! What an agent knows besides its script: texts, files of text and addresses of pages. A document never changes; the draft is
//! the documents that were not removed, and a published version remembers its own. Whoever holds the conversation is handed them
//! by the job that publishes the agent there. A page is read by the provider: an address is never fetched from here.

use super::{lock_usable, missing, repo};
use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::gateways;
use model::accounts::Permission;
use model::agents::{
    AgentKnowledge, AgentStatus, DOCUMENT_BYTES_MAX, DOCUMENTS_MAX, DocumentKind, DocumentRow, NewDocument, document_type,
};
use model::events::{EventKind, Topic};
use model::gateways::ProviderKind;
use model::id::{AgentId, CompanyId, DocumentId, GatewayId};
use providers::{Content, Document, DocumentState, Knowledge, ProviderError};
use std::collections::BTreeMap;
use std::time::Duration;

/// Looks at documents that the provider still reads, in one try of a job.
const LOOKS_MAX: usize = 10;

/// What is to be published knows these, in this order.
pub(super) type Known = Vec<(DocumentId, Document)>;

/// What an agent knows: what its draft has, and what its published version still has.
///
/// # Errors
/// `Forbidden` without `ViewAgents`; `NotFound`.
pub async fn documents(tx: &mut Tx, agent: AgentId) -> Result<AgentKnowledge> {
    tx.require(Permission::ViewAgents)?;
    let stored = repo::find(tx, agent).await?.ok_or_else(missing)?;
    type Row = (DocumentId, String, DocumentKind, i64, Option<String>, bool, bool);
    let rows: Vec<Row> = sqlx::query_as(
        "select d.id, d.name, d.kind, octet_length(d.content)::bigint, case when d.kind = 'page' then d.content end,
                v.document_id is not null, d.removed_at is not null
         from documents d left join version_documents v on v.document_id = d.id and v.agent_id = d.agent_id and v.version = $2
         where d.agent_id = $1 and (d.removed_at is null or v.document_id is not null) order by d.added_at, d.id",
    )
    .bind(agent)
    .bind(stored.version)
    .fetch_all(tx.conn())
    .await?;
    let row = |(id, name, kind, bytes, address, published, removed): Row| DocumentRow {
        id,
        name,
        kind,
        bytes,
        address,
        published,
        removed,
    };
    Ok(AgentKnowledge {
        agent_name: stored.form.0.name,
        documents: rows.into_iter().map(row).collect(),
        editable: tx.require(Permission::ManageAgents).is_ok() && stored.status != AgentStatus::Archived,
    })
}

/// Gives the draft a text or a page to know.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; `Invalid`; `Conflict` when archived or with too many documents.
pub async fn add_document(tx: &mut Tx, agent: AgentId, new: &NewDocument) -> Result<DocumentId> {
    tx.require(Permission::ManageAgents)?;
    new.check()?;
    let content = if new.kind() == DocumentKind::Page { &new.address } else { &new.text };
    insert(tx, agent, new.name.trim(), new.kind(), content.trim()).await
}

/// Gives the draft a file of text to know.
///
/// # Errors
/// As [`add_document`].
pub async fn add_file(tx: &mut Tx, agent: AgentId, file_name: &str, bytes: &[u8]) -> Result<DocumentId> {
    tx.require(Permission::ManageAgents)?;
    document_type(file_name)?;
    let wrong = |why: &str| model::Error::field("file", why);
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(wrong("A file may have 1 MiB.").into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("The file is no text in UTF-8. Save it as UTF-8."))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(wrong("The file is empty.").into());
    }
    // Without a path, and as long as a name may be, with its ending.
    let name: Vec<char> = file_name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    let name: String = name[name.len().saturating_sub(80)..].iter().collect();
    insert(tx, agent, &name, DocumentKind::File, text).await
}

async fn insert(tx: &mut Tx, agent: AgentId, name: &str, kind: DocumentKind, content: &str) -> Result<DocumentId> {
    if content.contains('\0') {
        return Err(model::Error::field("file", "This is no text: it has a NUL character.").into());
    }
    let form = lock_usable(tx, agent).await?.form.0;
    let count: i64 = sqlx::query_scalar("select count(*) from documents where agent_id = $1 and removed_at is null")
        .bind(agent)
        .fetch_one(tx.conn())
        .await?;
    if usize::try_from(count).is_ok_and(|count| count >= DOCUMENTS_MAX) {
        return Err(model::Error::conflict(format!("An agent has at most {DOCUMENTS_MAX} documents.")).into());
    }
    let (id, now): (DocumentId, _) = (tx.id(), tx.now());
    sqlx::query("insert into documents (id, agent_id, name, kind, content, added_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(id)
        .bind(agent)
        .bind(name)
        .bind(kind)
        .bind(content)
        .bind(now)
        .execute(tx.conn())
        .await?;
    changed(tx, agent, format!("{}: {name} added to what it knows", form.name.trim())).await?;
    Ok(id)
}

/// Takes a document out of the draft; the published version has it until the next is published.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; `Conflict` when archived.
pub async fn remove_document(tx: &mut Tx, id: DocumentId) -> Result<AgentId> {
    tx.require(Permission::ManageAgents)?;
    let gone = || model::Error::not_found("document");
    let agent: Option<AgentId> =
        sqlx::query_scalar("select agent_id from documents where id = $1").bind(id).fetch_optional(tx.conn()).await?;
    let agent = agent.ok_or_else(gone)?;
    let form = lock_usable(tx, agent).await?.form.0;
    let now = tx.now();
    let name: Option<String> =
        sqlx::query_scalar("update documents set removed_at = $2 where id = $1 and removed_at is null returning name")
            .bind(id)
            .bind(now)
            .fetch_optional(tx.conn())
            .await?;
    let name = name.ok_or_else(gone)?;
    changed(tx, agent, format!("{}: {name} removed from what it knows", form.name.trim())).await?;
    Ok(agent)
}

async fn changed(tx: &mut Tx, agent: AgentId, text: String) -> Result<()> {
    tx.record(EventKind::AgentChanged, Some(agent.to_string()), text).await?;
    crate::events::notice(tx, Topic::Agents).await
}

/// Whether a version knows what the draft knows.
pub(super) async fn is_published(tx: &mut Tx, agent: AgentId, version: i32) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select not exists (
            select 1 from documents d
            left join version_documents v on v.document_id = d.id and v.agent_id = d.agent_id and v.version = $2
            where d.agent_id = $1 and (v.document_id is null) = (d.removed_at is null))",
    )
    .bind(agent)
    .bind(version)
    .fetch_one(tx.conn())
    .await?)
}

/// A version knows what the draft knows now.
pub(super) async fn publish(tx: &mut Tx, agent: AgentId, version: i32) -> Result<()> {
    sqlx::query(
        "insert into version_documents (agent_id, version, document_id)
         select agent_id, $2, id from documents where agent_id = $1 and removed_at is null",
    )
    .bind(agent)
    .bind(version)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a version knows, to be handed over.
pub(super) async fn of_version(tx: &mut Tx, agent: AgentId, version: i32) -> Result<Known> {
    let rows: Vec<(DocumentId, String, DocumentKind, String)> = sqlx::query_as(
        "select d.id, d.name, d.kind, d.content from version_documents v join documents d on d.id = v.document_id
         where v.agent_id = $1 and v.version = $2 order by d.added_at, d.id",
    )
    .bind(agent)
    .bind(version)
    .fetch_all(tx.conn())
    .await?;
    let document = |name: String, kind, content: String| {
        let content = match kind {
            DocumentKind::Text => Content::Text(content),
            DocumentKind::Page => Content::Url(content),
            DocumentKind::File => Content::File {
                content_type: document_type(&name).unwrap_or("text/plain").to_owned(),
                file_name: name.clone(),
                bytes: content.into_bytes(),
            },
        };
        Document { name, content }
    };
    Ok(rows.into_iter().map(|(id, name, kind, content)| (id, document(name, kind, content))).collect())
}

/// Documents of one agent at one gateway.
pub(super) struct Shelf<'a> {
    pub db: &'a Db,
    pub company: CompanyId,
    pub agent: AgentId,
    pub gateway: GatewayId,
}

impl Shelf<'_> {
    /// Hands over what is not there yet, and waits a while until the provider has read it; returns the provider's ids. Each is
    /// written down by itself, so that a failure repeats none but the one it happened to.
    ///
    /// # Errors
    /// The provider's refusal, with the document's name; transient while the provider still reads one.
    pub async fn put(&self, at: &dyn Knowledge, known: Known, pause: Duration) -> Result<Vec<String>, Trouble> {
        let mut there = self.there().await?;
        let mut given = Vec::new();
        for (document, content) in known {
            let told = |error| Trouble::Provider(content.name.clone(), error);
            let mut kept = None;
            if let Some(id) = there.remove(&document) {
                kept = at.state(&id).await.map_err(told)?.map(|state| (id, state));
            }
            let (id, state) = match kept {
                Some(kept) => kept,
                None => {
                    let id = at.put(&content).await.map_err(told)?;
                    self.note(document, &id).await?;
                    (id, DocumentState::Pending)
                }
            };
            given.push((content.name, id, state));
        }
        for look in 0..LOOKS_MAX {
            if look > 0 {
                tokio::time::sleep(pause).await;
            }
            let mut is_ready = true;
            for (name, id, state) in given.iter_mut().filter(|(.., state)| *state != DocumentState::Ready) {
                let told = |error| Trouble::Provider(name.clone(), error);
                let gone = || told(ProviderError::Malformed("it is gone again".to_owned()));
                *state = at.state(id).await.map_err(told)?.ok_or_else(gone)?;
                if let DocumentState::Failed(why) = state {
                    return Err(told(ProviderError::Malformed(format!("it could not be read: {why}"))));
                }
                is_ready &= *state == DocumentState::Ready;
            }
            if is_ready {
                return Ok(given.into_iter().map(|(_, id, _)| id).collect());
            }
        }
        let reading = given.into_iter().find(|(.., state)| *state != DocumentState::Ready);
        Err(Trouble::Reading(reading.map(|(name, ..)| name).unwrap_or_default()))
    }

    /// Takes away what is there and none of these.
    ///
    /// # Errors
    /// What the provider answers.
    pub async fn keep_only(&self, at: &dyn Knowledge, wanted: &[String]) -> anyhow::Result<()> {
        for (document, id) in self.there().await? {
            if wanted.contains(&id) {
                continue;
            }
            at.remove(&id).await?;
            let mut tx = self.db.begin(&Actor::engine(self.company)).await?;
            sqlx::query("delete from kept_documents where document_id = $1 and gateway_id = $2")
                .bind(document)
                .bind(self.gateway)
                .execute(tx.conn())
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn there(&self) -> Result<BTreeMap<DocumentId, String>> {
        let mut tx = self.db.begin(&Actor::engine(self.company)).await?;
        let there: Vec<(DocumentId, String)> = sqlx::query_as(
            "select k.document_id, k.remote_id from kept_documents k join documents d on d.id = k.document_id
             where d.agent_id = $1 and k.gateway_id = $2",
        )
        .bind(self.agent)
        .bind(self.gateway)
        .fetch_all(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(there.into_iter().collect())
    }

    async fn note(&self, document: DocumentId, remote_id: &str) -> Result<()> {
        let mut tx = self.db.begin(&Actor::engine(self.company)).await?;
        sqlx::query(
            "insert into kept_documents (document_id, gateway_id, remote_id) values ($1, $2, $3)
             on conflict (company_id, document_id, gateway_id) do update set remote_id = excluded.remote_id",
        )
        .bind(document)
        .bind(self.gateway)
        .bind(remote_id)
        .execute(tx.conn())
        .await?;
        tx.commit().await
    }
}

/// Why an agent, or a document of its, is not at a provider.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Agent(#[from] ProviderError),
    /// A document's name, and what the provider says of it.
    #[error("{0}: {1}")]
    Provider(String, ProviderError),
    /// It has it, and is not through.
    #[error("the provider still reads {0}")]
    Reading(String),
    #[error(transparent)]
    Inside(#[from] crate::Error),
}

impl Trouble {
    /// Is trying again later likely to help?
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Agent(error) | Self::Provider(_, error) => error.is_transient(),
            Self::Reading(_) | Self::Inside(_) => true,
        }
    }

    /// What people read of it.
    pub fn told(&self, kind: ProviderKind) -> String {
        match self {
            Self::Agent(error) => gateways::told(kind, error.clone()).to_string(),
            Self::Inside(_) => "Something went wrong on our side. It is tried again.".to_owned(),
            Self::Provider(..) | Self::Reading(_) => format!("{}: {self}", kind.label()),
        }
    }
}
