//! How a request for a call is taken, whatever protocol it came in: the faults of creation, who will answer, and the answer that
//! never comes. What a protocol finds wrong with a request by itself is in its own folder.

use std::{sync::Arc, time::Duration};

use crate::{
    call::Order,
    callee::Callee,
    clock,
    faults::FaultKind,
    network::Network,
    numbers::{self, Fixed},
};

/// How long a request that is never answered is kept open, in real time.
const STALL_MAX: Duration = Duration::from_secs(120);

/// Why a call that was asked for properly is not told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unadmitted {
    /// A server's error. Nothing was dialed, unless the request was kept waiting for it.
    Broken,
    /// Too many requests.
    TooMany,
    /// Too many calls at once.
    Full,
}

impl Network {
    /// Takes a call and says its id, with whatever goes wrong at that.
    pub async fn admit(self: &Arc<Self>, order: Order) -> Result<String, Unadmitted> {
        let (account, to) = (order.account.clone(), order.to.clone());
        self.refuses(&account, &to)?;
        let attempt = self.next_attempt(&account, &to);
        match numbers::fixed(&to) {
            Some(Fixed::TooManyOnce) if attempt == 1 => return Err(Unadmitted::TooMany),
            Some(Fixed::ErrorOnce) if attempt == 1 => return Err(Unadmitted::Broken),
            _ => {}
        }
        let drawn = Callee::draw(self.settings.seed, &to, attempt, clock::now());
        let callee = if self.state().handset.rings_for(&to) { drawn.by_hand() } else { drawn };
        let silent = callee.quirks.never_answer_request;
        let id = self.place(order, callee, attempt).map_err(|_| Unadmitted::Full)?;
        if silent {
            return Err(self.stall().await);
        }
        self.answers(&account, &to).await?;
        Ok(id)
    }

    /// The faults of a request that nothing comes of.
    pub fn refuses(&self, account: &str, to: &str) -> Result<(), Unadmitted> {
        if self.strikes(FaultKind::Error500, account, to).is_some() {
            return Err(Unadmitted::Broken);
        }
        if self.strikes(FaultKind::Error429, account, to).is_some() {
            return Err(Unadmitted::TooMany);
        }
        Ok(())
    }

    /// The fault of a request that was done and is never answered.
    pub async fn answers(&self, account: &str, to: &str) -> Result<(), Unadmitted> {
        match self.strikes(FaultKind::TimeoutAfterAccept, account, to) {
            Some(_) => Err(self.stall().await),
            None => Ok(()),
        }
    }

    /// Whoever asked gives up first; if not, the connection just ends with an error.
    async fn stall(&self) -> Unadmitted {
        tokio::time::sleep(STALL_MAX).await;
        Unadmitted::Broken
    }
}
