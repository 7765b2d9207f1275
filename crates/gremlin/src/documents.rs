//! What customers keep at a provider, as the JSON they sent and get back: agents, knowledge, numbers. One shelf per account
//! and kind, such as `("acme", "retell/agents")`.

use std::collections::BTreeMap;

use serde_json::Value;

/// Documents in all. One more is not taken.
pub const DOCUMENTS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub struct Documents(BTreeMap<(String, String, String), Value>);

impl Documents {
    /// Keeps a document; false when there are too many.
    pub fn put(&mut self, account: &str, shelf: &str, id: &str, document: Value) -> bool {
        let key = (account.to_owned(), shelf.to_owned(), id.to_owned());
        let room = self.0.len() < DOCUMENTS_MAX || self.0.contains_key(&key);
        if room {
            self.0.insert(key, document);
        }
        room
    }
    pub fn get(&self, account: &str, shelf: &str, id: &str) -> Option<&Value> {
        self.0.get(&(account.to_owned(), shelf.to_owned(), id.to_owned()))
    }
    pub fn get_mut(&mut self, account: &str, shelf: &str, id: &str) -> Option<&mut Value> {
        self.0.get_mut(&(account.to_owned(), shelf.to_owned(), id.to_owned()))
    }
    pub fn remove(&mut self, account: &str, shelf: &str, id: &str) -> Option<Value> {
        self.0.remove(&(account.to_owned(), shelf.to_owned(), id.to_owned()))
    }
    /// By id.
    pub fn list<'a>(&'a self, account: &'a str, shelf: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let from = (account.to_owned(), shelf.to_owned(), String::new());
        let same = move |key: &(String, String, String)| key.0 == account && key.1 == shelf;
        self.0.range(from..).take_while(move |(key, _)| same(key)).map(|((_, _, id), document)| (id.as_str(), document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_shelf_holds_its_own_documents_up_to_the_limit() {
        let mut documents = Documents::default();
        for (account, shelf, id) in [("a", "x", "2"), ("a", "x", "1"), ("a", "y", "3"), ("b", "x", "4")] {
            assert!(documents.put(account, shelf, id, json!(id)));
        }
        assert_eq!(documents.list("a", "x").map(|(id, _)| id).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(documents.remove("a", "x", "1"), Some(json!("1")));
        assert!(documents.get("a", "x", "1").is_none() && documents.get("b", "x", "4").is_some());
        for n in 0..DOCUMENTS_MAX {
            documents.put("c", "x", &n.to_string(), Value::Null);
        }
        assert!(!documents.put("d", "x", "one more", Value::Null));
        assert!(documents.put("a", "x", "2", json!("changed")), "a change needs no room");
    }
}
