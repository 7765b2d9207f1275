//! Background: what runs, not what it does. Registers job queues, starts the dialer, stops both.

use services::dialer::{Network, run};
use services::{Db, calls, imports, jobs, mails};
use tokio_util::sync::CancellationToken;

/// Runs jobs and the dialer until `stop`. Requests under way are finished.
///
/// # Errors
/// When the dialer cannot begin or the dispatcher gives up.
pub async fn run(db: Db, stop: CancellationToken) -> anyhow::Result<()> {
    let network = Network::shared()?;
    let dispatcher = jobs::dispatch(&db, stop.clone(), |monitor, db, boot| {
        let monitor = jobs::register::<imports::jobs::CheckImport>(monitor, db, boot, 2);
        let monitor = jobs::register::<imports::jobs::RunImport>(monitor, db, boot, 2);
        let monitor = jobs::register::<imports::jobs::ForgetFile>(monitor, db, boot, 1);
        let monitor = jobs::register::<calls::HangUp>(monitor, db, boot, 4);
        jobs::register::<mails::SendMail>(monitor, db, boot, 2)
    });
    tokio::try_join!(dispatcher, run::run(db.clone(), network, stop.clone()))?;
    Ok(())
}
