//! Background: what runs, not what it does. Registers job queues, starts the dialer, the sealer and the post, stops all.

use services::dialer::{Network, run};
use services::{
    Db, accounts, agents, audits, calls, check, credits, events, gateways, imports, jobs, mails, notices, recordings, webhooks,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the night's work is asked for.
const NIGHT_LOOK: Duration = Duration::from_secs(60);

/// Runs jobs and the dialer until `stop`. Requests under way are finished.
///
/// # Errors
/// When the dialer cannot begin or the dispatcher gives up.
pub async fn run(db: Db, stop: CancellationToken) -> anyhow::Result<()> {
    let network = Network::shared()?;
    let dispatcher = jobs::dispatch(&db, stop.clone(), |monitor, db, boot| {
        let monitor = jobs::register::<imports::jobs::CheckImport>(monitor, db, boot, 2);
        let monitor = jobs::register::<imports::jobs::RunImport>(monitor, db, boot, 2);
        let monitor = jobs::register::<imports::jobs::UndoImport>(monitor, db, boot, 2);
        let monitor = jobs::register::<imports::jobs::ForgetFile>(monitor, db, boot, 1);
        let monitor = jobs::register::<calls::HangUp>(monitor, db, boot, 4);
        let monitor = jobs::register::<gateways::SetUpGateway>(monitor, db, boot, 2);
        let monitor = jobs::register::<gateways::BindNumber>(monitor, db, boot, 2);
        let monitor = jobs::register::<agents::kept::PublishAgent>(monitor, db, boot, 2);
        let monitor = jobs::register::<audits::AuditGateway>(monitor, db, boot, 1);
        let monitor = jobs::register::<calls::CollectNews>(monitor, db, boot, 2);
        let monitor = jobs::register::<recordings::CopyRecording>(monitor, db, boot, 4);
        let monitor = jobs::register::<accounts::jobs::SendReset>(monitor, db, boot, 1);
        let monitor = jobs::register::<notices::MailNotice>(monitor, db, boot, 1);
        jobs::register::<mails::SendMail>(monitor, db, boot, 2)
    });
    let sealing = async {
        credits::keep_sealing(db.clone(), stop.clone()).await;
        Ok(())
    };
    let nights = nights(db.clone(), stop.clone());
    let posting = webhooks::post::run(db.clone(), stop.clone());
    tokio::try_join!(dispatcher, run::run(db.clone(), network, stop.clone()), nights, sealing, posting)?;
    Ok(())
}

/// Seals the record, and asks every minute whether the night's work is due; the database lets one worker do it.
async fn nights(db: Db, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(NIGHT_LOOK) => {}
        }
        if let Err(error) = events::chain::seal_due(&db).await {
            tracing::warn!(%error, "the record waits for its block");
        }
        if let Err(error) = check::nightly(&db).await {
            tracing::warn!(%error, "the night's work waits");
        }
    }
}
