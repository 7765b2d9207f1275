//! What the network knows: calls, accounts, how often each number was asked for, and the faults that are on.
//! One mutex, held for moments and never across an await.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Settings,
    call::{Call, Delivery, Direction, Number, Order, Status},
    callee::{Callee, Pickup},
    chance,
    clock::{self, Pace},
    documents::Documents,
    faults::{FaultKind, Faults, Strike},
    handset::{Hand, Handset},
    key_for, life,
    stripe::Books,
    token_for,
};

/// Twilio waits this long for a callback's connection and answer (webhooks-connection-overrides, defaults).
const HOOK_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const HOOK_TIMEOUT: Duration = Duration::from_secs(15);
/// Orders to one call that wait to be obeyed.
const COMMANDS_MAX: usize = 8;
/// Tokens set by hand, and numbers whose attempts are counted. Past the second all counts start again.
pub const TOKENS_MAX: usize = 10_000;
/// Numbers that are set up.
const NUMBERS_MAX: usize = 10_000;
const ATTEMPTS_MAX: usize = 1_000_000;
/// What is kept of the callbacks of one call.
const DELIVERIES_MAX: usize = 64;

pub struct Network {
    pub settings: Settings,
    pub public_url: String,
    pub pace: Pace,
    pub client: reqwest::Client,
    pub tasks: TaskTracker,
    /// Cancelled when the server stops: every call under way ends with it.
    pub stop: CancellationToken,
    /// Makes ids differ between two runs with one seed, so that a database may remember both.
    id_seed: u64,
    /// Requests that get a name each.
    requests: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    calls: HashMap<String, Call>,
    by_serial: BTreeMap<u64, String>,
    last_serial: u64,
    live: usize,
    tokens: HashMap<String, String>,
    /// By account and number.
    numbers: BTreeMap<(String, String), Number>,
    attempts: HashMap<(String, String), u32>,
    pub faults: Faults,
    pub handset: Handset,
    /// What customers keep at providers: agents, documents, numbers.
    pub documents: Documents,
    /// What accounts keep at Stripe.
    pub stripe: BTreeMap<String, Books>,
}

/// Too many calls at once.
pub struct Full;

impl Network {
    pub fn new(settings: Settings, public_url: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent("gremlin")
            .connect_timeout(HOOK_CONNECT_TIMEOUT)
            .timeout(HOOK_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .context("cannot build the HTTP client")?;
        let id_seed = settings.seed ^ clock::now().timestamp_nanos_opt().unwrap_or_default().unsigned_abs();
        Ok(Self {
            pace: Pace::new(settings.speed),
            public_url: public_url.trim_end_matches('/').to_owned(),
            client,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            id_seed,
            settings,
            requests: AtomicU64::default(),
            state: Mutex::default(),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        // A panic while holding it leaves nothing half-done that would matter here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock of calls that a person holds.
    pub fn person_pace(&self) -> Pace {
        Pace::new(self.settings.person_speed)
    }

    pub fn token(&self, account: &str) -> String {
        let own = self.state().tokens.get(account).cloned();
        own.unwrap_or_else(|| token_for(&self.settings.token_secret, account))
    }

    /// The bearer key of an account.
    pub fn key(&self, account: &str) -> String {
        let own = self.state().tokens.get(account).cloned();
        own.unwrap_or_else(|| key_for(&self.settings.token_secret, account))
    }

    /// The account that a bearer key belongs to: one that derives from the secret, or was set by hand.
    pub fn account_of(&self, key: &str) -> Option<String> {
        let state = self.state();
        if let Some((account, _)) = state.tokens.iter().find(|(_, token)| *token == key) {
            return Some(account.clone());
        }
        let (account, _) = key.rsplit_once('_')?;
        let genuine = !state.tokens.contains_key(account) && key_for(&self.settings.token_secret, account) == key;
        genuine.then(|| account.to_owned())
    }

    /// Sets an account's token; false when there are too many.
    pub fn set_token(&self, account: String, token: String) -> bool {
        let mut state = self.state();
        let room = state.tokens.len() < TOKENS_MAX || state.tokens.contains_key(&account);
        if room {
            state.tokens.insert(account, token);
        }
        room
    }

    /// Sets a number up; false when there are too many.
    pub fn set_number(&self, account: String, phone: String, number: Number) -> bool {
        let mut state = self.state();
        let key = (account, phone);
        let room = state.numbers.len() < NUMBERS_MAX || state.numbers.contains_key(&key);
        if room {
            state.numbers.insert(key, number);
        }
        room
    }

    /// The numbers of an account that were set up.
    pub fn numbers_of(&self, account: &str) -> Vec<String> {
        self.state().numbers.keys().filter(|(owner, _)| owner == account).map(|(_, phone)| phone.clone()).collect()
    }

    pub fn number(&self, account: &str, phone: &str) -> Option<Number> {
        self.state().numbers.get(&(account.to_owned(), phone.to_owned())).cloned()
    }

    pub fn strikes(&self, kind: FaultKind, account: &str, to: &str) -> Option<Strike> {
        self.state().faults.strikes(self.settings.seed, kind, account, to)
    }

    /// The clock that callbacks to an account are signed by. It may be wrong.
    pub fn signing_time(&self, account: &str) -> DateTime<Utc> {
        let behind = self.strikes(FaultKind::ClockSkew, account, "").map_or(0, |strike| strike.delay_ms);
        clock::now() - TimeDelta::try_milliseconds(behind.try_into().unwrap_or(i64::MAX)).unwrap_or_default()
    }

    /// Counts one more request of those that are named.
    pub fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts one more request for this number; the first is 1.
    pub fn next_attempt(&self, account: &str, to: &str) -> u32 {
        let mut state = self.state();
        if state.attempts.len() >= ATTEMPTS_MAX {
            state.attempts.clear();
        }
        let count = state.attempts.entry((account.to_owned(), to.to_owned())).or_default();
        *count += 1;
        *count
    }

    /// An id that no other run of this program gives.
    pub fn new_sid(&self, prefix: &str, about: &str) -> String {
        chance::sid(prefix, self.id_seed, &[prefix, about])
    }

    /// Takes a call and lets it live.
    pub fn place(self: &Arc<Self>, order: Order, callee: Callee, attempt: u32) -> Result<String, Full> {
        let (commands, orders) = mpsc::channel(COMMANDS_MAX);
        let now = clock::now();
        let id = {
            let mut state = self.state();
            if state.live >= self.settings.calls_live_max {
                return Err(Full);
            }
            state.forget_oldest(self.settings.calls_kept_max);
            state.live += 1;
            state.last_serial += 1;
            let serial = state.last_serial;
            let id = order.speaker.new_id(self, serial);
            let hand = (callee.pickup == Pickup::Person).then_some(Hand::Offered);
            let call = Call {
                id: id.clone(),
                serial,
                order: Arc::new(order),
                callee,
                attempt,
                status: Status::Queued,
                created_at: now,
                updated_at: now,
                started_at: None,
                answered_at: None,
                ended_at: None,
                duration: None,
                ending: None,
                price_micros: None,
                verdict: None,
                sip: None,
                recording_id: None,
                conversation: None,
                heard: Vec::new(),
                hand,
                analyzed: false,
                over: false,
                rang: 0,
                deliveries: Vec::new(),
                commands,
            };
            state.by_serial.insert(serial, id.clone());
            state.calls.insert(id.clone(), call);
            id
        };
        let line = life::Line::new(Arc::clone(self), &id, orders);
        if let Some(line) = line {
            self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(line.run()));
        }
        Ok(id)
    }

    /// Looks at or changes one call.
    pub fn with_call<R>(&self, sid: &str, f: impl FnOnce(&mut Call) -> R) -> Option<R> {
        self.state().calls.get_mut(sid).map(f)
    }

    /// Moves a call to a status and notes the time.
    pub fn advance(&self, sid: &str, status: Status) {
        let now = clock::now();
        let mut state = self.state();
        let Some(call) = state.calls.get_mut(sid) else { return };
        call.status = status;
        call.updated_at = now;
        match status {
            Status::Initiated => call.started_at = Some(now),
            Status::InProgress => call.answered_at = Some(now),
            // A call in rings at the customer's, which is not what is counted.
            Status::Ringing => call.rang += u32::from(call.order.direction == Direction::Outbound),
            ended if ended.is_ended() => {
                call.ended_at = Some(now);
                state.live = state.live.saturating_sub(1);
            }
            _ => {}
        }
    }

    pub fn delivered(&self, sid: &str, delivery: Delivery) {
        self.with_call(sid, |call| {
            if call.deliveries.len() < DELIVERIES_MAX {
                call.deliveries.push(delivery);
            }
        });
    }
}

impl State {
    /// The newest first; `before` skips everything from that serial on.
    pub fn newest(&self, before: Option<u64>) -> impl Iterator<Item = &Call> {
        let range = ..before.unwrap_or(u64::MAX);
        self.by_serial.range(range).rev().filter_map(|(_, sid)| self.calls.get(sid))
    }
    pub fn numbers(&self) -> impl Iterator<Item = (&(String, String), &Number)> {
        self.numbers.iter()
    }
    pub fn live(&self) -> usize {
        self.live
    }
    pub fn len(&self) -> usize {
        self.calls.len()
    }
    /// Drops a call from memory. One under way notices, and stops.
    pub fn forget(&mut self, sid: &str) {
        if let Some(call) = self.calls.remove(sid) {
            self.by_serial.remove(&call.serial);
            if !call.status.is_ended() {
                self.live = self.live.saturating_sub(1);
            }
        }
    }
    /// What happens on the phone: calls, counts, faults, who answers. Accounts and what they keep stay.
    pub fn reset(&mut self) {
        self.calls.clear();
        self.by_serial.clear();
        self.live = 0;
        self.attempts.clear();
        self.faults.clear();
        self.handset = Handset::default();
    }
    fn forget_oldest(&mut self, kept_max: usize) {
        while self.calls.len() >= kept_max.max(1) {
            let oldest = self.by_serial.values().find(|sid| self.calls.get(*sid).is_none_or(|call| call.status.is_ended()));
            let Some(sid) = oldest.cloned() else { return };
            self.forget(&sid);
        }
    }
}
