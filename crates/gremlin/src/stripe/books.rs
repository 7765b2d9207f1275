//! What one account keeps at Stripe, newest last, and the answers it got: a request that is repeated under its key is not done
//! again.

use std::collections::{BTreeMap, HashMap, VecDeque};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Done, Refusal, form::Form};

/// Things of one account, of all kinds. One more is not taken.
pub const THINGS_MAX: usize = 100_000;
/// Events that are remembered; Stripe forgets them after thirty days.
const EVENTS_MAX: usize = 20_000;
/// Answers that are remembered; Stripe forgets them after a day.
const ANSWERS_MAX: usize = 10_000;
const PAGE_DEFAULT: i64 = 10;
const PAGE_MAX: i64 = 100;
pub const EVENT: &str = "event";

/// The answer to a request with a key.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked: method, path and form.
    pub asked: (String, Value),
    pub status: StatusCode,
    pub body: Value,
}

#[derive(Default)]
pub struct Books {
    serial: u64,
    things: HashMap<String, Value>,
    serials: HashMap<String, u64>,
    /// Ids by kind, in the order in which they were made.
    shelves: HashMap<String, BTreeMap<u64, String>>,
    /// What is known of a thing and never shown: secrets of endpoints, what was ordered of a checkout.
    notes: HashMap<String, Value>,
    answers: HashMap<String, Answer>,
    keys: VecDeque<String>,
}

impl Books {
    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Keeps a new thing, on the shelf of its `object`.
    pub fn keep(&mut self, thing: Value) -> Result<String, Refusal> {
        let kind = thing["object"].as_str().unwrap_or_default().to_owned();
        let id = thing["id"].as_str().unwrap_or_default().to_owned();
        if kind == EVENT {
            self.forget_events();
        } else if self.things.len() >= THINGS_MAX + EVENTS_MAX {
            return Err(Refusal::too_many());
        }
        let serial = self.next_serial();
        self.shelves.entry(kind).or_default().insert(serial, id.clone());
        self.serials.insert(id.clone(), serial);
        self.things.insert(id.clone(), thing);
        Ok(id)
    }

    fn forget_events(&mut self) {
        let Some(events) = self.shelves.get_mut(EVENT) else { return };
        while events.len() >= EVENTS_MAX
            && let Some((_, id)) = events.pop_first()
        {
            self.things.remove(&id);
            self.serials.remove(&id);
            self.notes.remove(&id);
        }
    }

    /// Takes it off its shelf; it may still be asked for by its id where its kind has a shape for that.
    pub fn unshelve(&mut self, kind: &str, id: &str) {
        if let Some(shelf) = self.shelves.get_mut(kind) {
            shelf.retain(|_, own| own != id);
        }
    }

    /// As if it had never been.
    pub fn discard(&mut self, kind: &str, id: &str) {
        self.unshelve(kind, id);
        self.things.remove(id);
        self.serials.remove(id);
        self.notes.remove(id);
    }

    pub fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.things.get(id).filter(|thing| thing["object"] == kind)
    }

    /// Whatever it is.
    pub fn any(&self, id: &str) -> Option<&Value> {
        self.things.get(id)
    }

    /// What a path names.
    pub fn load(&self, kind: &str, id: &str) -> Done {
        self.get(kind, id).cloned().ok_or_else(|| Refusal::missing(kind, id))
    }

    /// What a parameter names, if it is there.
    pub fn referred(&self, kind: &str, form: &Form, name: &str) -> Result<Option<Value>, Refusal> {
        let Some(id) = form.text(name) else { return Ok(None) };
        let found = self.get(kind, id).filter(|thing| thing["deleted"] != true);
        found.cloned().map(Some).ok_or_else(|| {
            form.wrong(name, "resource_missing", format!("No such {}: '{id}'", kind.rsplit('.').next().unwrap_or(kind)))
        })
    }

    /// Puts fields over those of a thing that is there, and gives it back.
    pub fn change(&mut self, id: &str, fields: Value) -> Value {
        let Some(thing) = self.things.get_mut(id) else { return Value::Null };
        if let Value::Object(fields) = fields {
            for (name, value) in fields {
                thing[name] = value;
            }
        }
        thing.clone()
    }

    pub fn replace(&mut self, id: &str, thing: Value) {
        self.things.insert(id.to_owned(), thing);
    }

    pub fn note(&mut self, id: &str, note: Value) {
        self.notes.insert(id.to_owned(), note);
    }

    pub fn noted(&self, id: &str) -> &Value {
        self.notes.get(id).unwrap_or(&Value::Null)
    }

    /// Newest first.
    pub fn shelf(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.shelves.get(kind).into_iter().flat_map(|shelf| shelf.values().rev()).filter_map(|id| self.things.get(id))
    }

    /// One page of a shelf, as lists of Stripe go.
    pub fn page(&self, kind: &str, url: &str, form: &Form, fits: impl Fn(&Value) -> bool) -> Done {
        let limit = form.integer("limit")?.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(form.wrong(
                "limit",
                "parameter_invalid_integer",
                format!("Invalid limit: {limit}. It is from 1 to 100."),
            ));
        }
        let limit = usize::try_from(limit).unwrap_or_default();
        let created = Created::read(form)?;
        let all: Vec<&Value> = self.shelf(kind).filter(|thing| created.fits(thing) && fits(thing)).collect();
        let place = |name: &str| -> Result<Option<usize>, Refusal> {
            let Some(thing) = self.referred(kind, form, name)? else { return Ok(None) };
            // One that the filters leave out stands before the first that is older.
            let serial = |thing: &Value| thing["id"].as_str().and_then(|id| self.serials.get(id)).copied();
            Ok(Some(all.iter().take_while(|other| serial(other) > serial(&thing)).count()))
        };
        let (from, until) = match (place("starting_after")?, place("ending_before")?) {
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid("You cannot parameterize with both starting_after and ending_before."));
            }
            (Some(at), None) => {
                let from = at + usize::from(all.get(at).is_some_and(|thing| form.text("starting_after") == thing["id"].as_str()));
                (from, (from + limit).min(all.len()))
            }
            (None, Some(at)) => (at.saturating_sub(limit), at),
            (None, None) => (0, limit.min(all.len())),
        };
        let has_more = if form.text("ending_before").is_some() { from > 0 } else { until < all.len() };
        Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": all[from..until] }))
    }

    pub fn answered(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }

    pub fn remember(&mut self, key: &str, answer: Answer) {
        while self.keys.len() >= ANSWERS_MAX
            && let Some(oldest) = self.keys.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.keys.push_back(key.to_owned());
        self.answers.insert(key.to_owned(), answer);
    }
}

/// `created=…` or `created[gte]=…`, in seconds.
struct Created(Vec<(&'static str, i64)>);

impl Created {
    fn read(form: &Form) -> Result<Self, Refusal> {
        let mut bounds = Vec::new();
        if let Some(exactly) = form.integer("created")? {
            bounds.push(("is", exactly));
        }
        if let Some(range) = form.part("created") {
            range.only(&["gt", "gte", "lt", "lte"])?;
            for name in ["gt", "gte", "lt", "lte"] {
                bounds.extend(range.integer(name)?.map(|bound| (name, bound)));
            }
        }
        Ok(Self(bounds))
    }

    fn fits(&self, thing: &Value) -> bool {
        let created = thing["created"].as_i64().unwrap_or_default();
        self.0.iter().all(|(name, bound)| match *name {
            "gt" => created > *bound,
            "gte" => created >= *bound,
            "lt" => created < *bound,
            "lte" => created <= *bound,
            _ => created == *bound,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(books: &Books, text: &str) -> (String, bool) {
        let form = Form::read(text).expect("a form");
        let page = books.page("x", "/v1/x", &form, |thing| thing["odd"] != true).expect("a page");
        let ids = page["data"].as_array().expect("data").iter().map(|thing| thing["id"].as_str().expect("an id"));
        (ids.collect(), page["has_more"] == true)
    }

    #[test]
    fn pages_go_on_from_where_they_stopped() {
        let mut books = Books::default();
        for (n, id) in ["a", "b", "c", "d", "e"].iter().enumerate() {
            books.keep(json!({ "object": "x", "id": id, "created": n, "odd": *id == "c" })).expect("room");
        }
        let expect = |text: &str, ids: &str, more| assert_eq!(page(&books, text), (ids.to_owned(), more), "{text}");
        expect("", "edba", false);
        expect("limit=2", "ed", true);
        expect("limit=2&starting_after=d", "ba", false);
        expect("starting_after=c", "ba", false);
        expect("starting_after=a", "", false);
        expect("limit=1&ending_before=b", "d", true);
        expect("limit=9&ending_before=b", "ed", false);
        expect("created[gte]=1&created[lt]=4", "db", false);
        expect("created=0", "a", false);
        let bad = |text: &str| books.page("x", "", &Form::read(text).expect("a form"), |_| true).is_err();
        assert!(bad("limit=0") && bad("limit=101") && bad("starting_after=z") && bad("starting_after=a&ending_before=b"));
        assert!(!bad("limit=100") && bad("created[near]=1"));
    }

    #[test]
    fn old_events_and_answers_are_forgotten() {
        let mut books = Books::default();
        for n in 0..=EVENTS_MAX {
            books.keep(json!({ "object": EVENT, "id": n.to_string() })).expect("room");
        }
        assert!(books.get(EVENT, "0").is_none() && books.get(EVENT, "1").is_some());
        let answer = Answer { asked: (String::new(), Value::Null), status: StatusCode::OK, body: Value::Null };
        for n in 0..=ANSWERS_MAX {
            books.remember(&n.to_string(), answer.clone());
        }
        assert!(books.answered("0").is_none() && books.answered("1").is_some());
    }
}
