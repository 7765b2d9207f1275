//! The demo's credits: the rules of `credits::shift` in memory, so that 90 days of movements can be written
//! at once with the balance after each. Nothing here may go below zero either.

use super::luck::Luck;
use super::rows::Movement;
use crate::credits::WELCOME;
use crate::error::Result;
use model::credits::{Account, Credits, MovementKind};
use model::id::{CallId, CampaignId};
use model::time::Timestamp;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

pub(super) struct Ledger {
    available: Credits,
    spent: Credits,
    escrow: HashMap<CampaignId, Credits>,
    /// Movements per campaign: tells one extension or return from the next.
    height: HashMap<CampaignId, i64>,
    top_ups: u32,
    admin: String,
    pub rows: Vec<Movement>,
}

impl Ledger {
    /// As `companies::open` leaves it.
    pub fn opened(admin: &str) -> Self {
        Self {
            available: WELCOME,
            spent: Credits::ZERO,
            escrow: HashMap::new(),
            height: HashMap::new(),
            top_ups: 0,
            admin: admin.to_owned(),
            rows: Vec::new(),
        }
    }

    pub fn escrow(&self, campaign: CampaignId) -> Credits {
        self.escrow.get(&campaign).copied().unwrap_or_default()
    }

    pub fn top_up(&mut self, luck: &mut Luck, at: Timestamp, amount: Credits) {
        self.top_ups += 1;
        self.available += amount;
        let key = format!("purchase:demo:{}", self.top_ups);
        self.write(luck, at, MovementKind::Purchase, amount, key, None, None, "Bank transfer");
    }

    /// Sets credits aside for a campaign; buys the missing ones first, as its administrator would.
    pub fn reserve(&mut self, luck: &mut Luck, at: Timestamp, campaign: CampaignId, amount: Credits) {
        /// Sold in packs of this size.
        const PACK: i64 = 250_000;
        if self.available < amount {
            let packs = (amount - self.available).0 / PACK + 1;
            self.top_up(luck, at, Credits(packs * PACK));
        }
        let height = self.height.get(&campaign).copied().unwrap_or(0);
        let (key, note) = match height {
            0 => (format!("launch:{campaign}"), "Reserved at launch"),
            n => (format!("extend:{campaign}:{n}"), "Extension"),
        };
        self.available = self.available - amount;
        *self.escrow.entry(campaign).or_default() += amount;
        self.write(luck, at, MovementKind::Reserve, amount, key, Some(campaign), None, note);
    }

    /// Returns what a campaign did not use.
    pub fn unreserve(&mut self, luck: &mut Luck, at: Timestamp, campaign: CampaignId) {
        let left = self.escrow(campaign);
        if left > Credits::ZERO {
            let key = format!("unreserve:{campaign}:{}", self.height.get(&campaign).copied().unwrap_or(0));
            self.escrow.insert(campaign, Credits::ZERO);
            self.available += left;
            self.write(luck, at, MovementKind::Unreserve, left, key, Some(campaign), None, "Not used");
        }
    }

    pub fn hold(&mut self, luck: &mut Luck, at: Timestamp, campaign: CampaignId, call: CallId, amount: Credits) {
        let escrow = self.escrow.entry(campaign).or_default();
        *escrow = *escrow - amount;
        debug_assert!(*escrow >= Credits::ZERO, "the escrow covers every hold");
        self.write(luck, at, MovementKind::Hold, amount, format!("hold:{call}"), Some(campaign), Some(call), "Longest call");
    }

    pub fn settle(&mut self, luck: &mut Luck, at: Timestamp, campaign: CampaignId, call: CallId, held: Credits, cost: Credits) {
        let rest = held - cost;
        self.spent += cost;
        *self.escrow.entry(campaign).or_default() += rest;
        for (kind, amount, key, note) in [
            (MovementKind::Capture, cost, format!("capture:{call}"), "Talk time"),
            (MovementKind::Release, rest, format!("release:{call}"), "Not used"),
        ] {
            if amount > Credits::ZERO {
                self.write(luck, at, kind, amount, key, Some(campaign), Some(call), note);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one table, called from five lines above")]
    fn write(
        &mut self,
        luck: &mut Luck,
        at: Timestamp,
        kind: MovementKind,
        amount: Credits,
        key: String,
        campaign: Option<CampaignId>,
        call: Option<CallId>,
        note: &str,
    ) {
        let (source, target) = kind.path();
        let reference = |account| match account {
            Account::Escrow => campaign.map_or(Uuid::nil(), CampaignId::uuid),
            Account::Held => call.map_or(Uuid::nil(), CallId::uuid),
            _ => Uuid::nil(),
        };
        if let Some(campaign) = campaign {
            *self.height.entry(campaign).or_default() += 1;
        }
        let who =
            if kind == MovementKind::Purchase || key.starts_with("launch:") { self.admin.clone() } else { "Belfry".to_owned() };
        self.rows.push(Movement {
            id: luck.id(at),
            kind,
            source,
            source_ref: reference(source),
            target,
            target_ref: reference(target),
            amount,
            key,
            campaign_id: campaign.map(CampaignId::uuid),
            call_id: call.map(CallId::uuid),
            note: note.to_owned(),
            who,
            at,
            balance: self.available,
        });
    }

    /// Writes all movements and what they add up to.
    pub async fn store(&self, conn: &mut PgConnection) -> Result<()> {
        super::rows::insert(conn, &self.rows).await?;
        let inside = [(Account::Available, Uuid::nil(), self.available), (Account::Spent, Uuid::nil(), self.spent)];
        for (account, reference, amount) in
            inside.into_iter().chain(self.escrow.iter().map(|(c, left)| (Account::Escrow, c.uuid(), *left)))
        {
            sqlx::query(
                "insert into balances (account, ref, amount) values ($1, $2, $3)
                 on conflict (company_id, account, ref) do update set amount = excluded.amount",
            )
            .bind(account)
            .bind(reference)
            .bind(amount)
            .execute(&mut *conn)
            .await?;
        }
        Ok(())
    }
}
