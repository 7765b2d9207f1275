//! Conversations: patterns from `dialogues.txt`, filled with small words and cut to the agent's own scripts.

use super::luck::Luck;
use super::words;
use model::agents::{Scripts, fill};
use std::collections::HashMap;

/// Spoken words per ten seconds, from slow people to quick ones, and the pause after each turn.
const WORDS_PER_TEN_SECONDS: (i64, i64) = (18, 26);
const PAUSE_TENTHS: i64 = 14;
/// Patterns that fit every campaign.
const ANY: &str = "any";
/// A question and its answer that may come up before the end of any conversation.
const EXTRA: &str = "extra";
/// How many of them do, by weight.
const EXTRAS: &[u32] = &[34, 36, 20, 10];
/// Where a conversation ends.
const CLOSING: &str = "{{closing}}";

/// All patterns, by what the campaign is about.
pub(super) struct Talks(Vec<Pattern>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Agent,
    Contact,
    /// Who picked up is not who was called.
    Somebody,
}

impl Speaker {
    fn name(self, contact: &str) -> String {
        match self {
            Self::Agent => "agent",
            Self::Contact => contact,
            Self::Somebody => "Somebody",
        }
        .to_owned()
    }
}

struct Pattern {
    purpose: &'static str,
    weight: u32,
    /// The person hangs up before anything was said.
    is_short: bool,
    /// The person asks not to be called again.
    is_stop: bool,
    summary: &'static str,
    turns: Vec<(Speaker, &'static str)>,
}

/// One conversation as it happened.
pub(super) struct Talk {
    pub seconds: i64,
    pub turns: Vec<(String, String)>,
    pub summary: String,
    pub is_stop: bool,
}

/// Who talks to whom.
pub(super) struct Speakers<'a> {
    pub agent: &'a str,
    pub scripts: &'a Scripts,
    pub company: &'a str,
    pub first: &'a str,
    pub last: &'a str,
}

impl Talks {
    /// The patterns that ship with Belfry.
    pub fn load() -> Self {
        Self(include_str!("dialogues.txt").split("\n\n").filter_map(pattern).collect())
    }

    /// A conversation of a campaign about `purpose`.
    pub fn draw(&self, luck: &mut Luck, purpose: &str, who: &Speakers<'_>) -> Talk {
        let fitting: Vec<&Pattern> = self.0.iter().filter(|p| p.purpose == purpose || p.purpose == ANY).collect();
        let chosen = fitting[luck.weighted(&fitting.iter().map(|p| p.weight).collect::<Vec<_>>())];
        if chosen.is_short {
            return Talk { seconds: luck.between(2, 4), turns: Vec::new(), summary: chosen.summary.to_owned(), is_stop: false };
        }
        let script = self.with_extras(luck, chosen);
        let mut said = Slots { luck, who, drawn: HashMap::new() };
        let turns: Vec<(String, String)> =
            script.into_iter().map(|(speaker, text)| (speaker.name(who.first), said.fill(&text))).collect();
        let summary = said.fill(chosen.summary);
        let pace = luck.between(WORDS_PER_TEN_SECONDS.0, WORDS_PER_TEN_SECONDS.1);
        let tenths: i64 = turns.iter().map(|(_, text)| words_in(text) * 100 / pace + PAUSE_TENTHS).sum();
        Talk { seconds: tenths / 10, turns, summary, is_stop: chosen.is_stop }
    }

    /// The turns of a pattern, with some small talk before its closing words.
    fn with_extras(&self, luck: &mut Luck, pattern: &Pattern) -> Vec<(Speaker, String)> {
        let mut turns: Vec<(Speaker, String)> = pattern.turns.iter().map(|(who, text)| (*who, (*text).to_owned())).collect();
        let mut free: Vec<&Pattern> = self.0.iter().filter(|p| p.purpose == EXTRA).collect();
        for _ in 0..luck.weighted(EXTRAS) {
            let Some(end) = turns.iter().rposition(|(who, text)| *who == Speaker::Agent && text.ends_with(CLOSING)) else {
                break;
            };
            let extra = free.swap_remove(luck.weighted(&free.iter().map(|p| p.weight).collect::<Vec<_>>()));
            turns[end].1 = turns[end].1.replace(CLOSING, "{{else}}");
            let asked = extra.turns.iter().map(|(who, text)| match who {
                Speaker::Agent => (*who, format!("{text} {CLOSING}")),
                _ => (*who, (*text).to_owned()),
            });
            turns.splice(end + 1..end + 1, asked);
        }
        turns
    }
}

/// What the slots of one conversation stand for: the same word every time it comes up.
struct Slots<'a, 'b> {
    luck: &'a mut Luck,
    who: &'a Speakers<'b>,
    drawn: HashMap<String, &'static str>,
}

impl Slots<'_, '_> {
    fn fill(&mut self, text: &str) -> String {
        // `fill` lends its closure only shared access, so words are drawn before.
        for name in slots_in(text) {
            let choice = words::slot(name);
            // A filler said twice in one conversation would sound like a machine.
            let again = matches!(name, "yes" | "else") || !self.drawn.contains_key(name);
            if again && !choice.is_empty() {
                let word = self.luck.pick(choice);
                self.drawn.insert(name.to_owned(), word);
            }
        }
        let scripted = |name: &str| self.scripted(name);
        fill(text, |name| self.drawn.get(name).map(|w| (*w).to_owned()).or_else(|| scripted(name)))
    }

    fn scripted(&self, name: &str) -> Option<String> {
        let who = self.who;
        let plain = |name: &str| match name {
            "name" => Some(who.first.to_owned()),
            "last" => Some(who.last.to_owned()),
            "company" => Some(who.company.to_owned()),
            "agent" => Some(who.agent.to_owned()),
            _ => None,
        };
        match name {
            "greeting" => Some(fill(&who.scripts.greeting, plain)),
            "closing" => Some(fill(&who.scripts.closing, plain)),
            other => plain(other),
        }
    }
}

fn slots_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(name, _)| name))
}

fn words_in(text: &str) -> i64 {
    i64::try_from(text.split_whitespace().count()).unwrap_or(0)
}

/// `# purpose weight [short|stop]: summary`, then lines of `A:` (agent), `C:` (contact) and `S:` (somebody).
fn pattern(block: &'static str) -> Option<Pattern> {
    let (head, turns) = block.trim().strip_prefix("# ")?.split_once('\n')?;
    let (key, summary) = head.split_once(": ")?;
    let mut key = key.split(' ');
    let (purpose, weight) = (key.next()?, key.next()?.parse().ok()?);
    let flag = key.next();
    let turn = |line: &'static str| {
        let (who, text) = line.split_once(": ")?;
        let who = match who {
            "A" => Speaker::Agent,
            "C" => Speaker::Contact,
            "S" => Speaker::Somebody,
            _ => return None,
        };
        Some((who, text))
    };
    let turns = turns.lines().filter_map(turn).collect();
    Some(Pattern { purpose, weight, is_short: flag == Some("short"), is_stop: flag == Some("stop"), summary, turns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_read_and_every_slot_is_known() {
        let text = include_str!("dialogues.txt");
        let talks = Talks::load();
        assert_eq!(talks.0.len(), text.matches("# ").count());
        assert_eq!(talks.0.iter().map(|p| p.turns.len() + 1).sum::<usize>(), text.lines().filter(|l| !l.is_empty()).count());
        let known = ["greeting", "closing", "name", "last", "company", "agent"];
        let unknown: Vec<_> = slots_in(text).filter(|s| words::slot(s).is_empty() && !known.contains(s)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn a_conversation_keeps_its_words_and_lasts_as_long_as_it_reads() {
        let scripts = Scripts {
            greeting: "Hi {{name}}, {{agent}} of {{company}}.".into(),
            closing: "Bye {{name}}.".into(),
            ..Scripts::default()
        };
        let who = Speakers { agent: "Nora", scripts: &scripts, company: "Acme", first: "Maya", last: "Okafor" };
        let (talks, mut luck) = (Talks::load(), Luck::new(1));
        for _ in 0..200 {
            let talk = talks.draw(&mut luck, "buyer", &who);
            assert!(talk.turns.is_empty() == (talk.seconds < 5), "{} s", talk.seconds);
            assert!(talk.seconds < 200, "{} s", talk.seconds);
            assert!(talk.turns.iter().all(|(_, text)| !text.contains("{{") && !text.contains("  ")), "{:?}", talk.turns);
            if let Some((speaker, text)) = talk.turns.first() {
                assert_eq!((speaker.as_str(), text.as_str()), ("agent", "Hi Maya, Nora of Acme."));
            }
        }
    }
}
