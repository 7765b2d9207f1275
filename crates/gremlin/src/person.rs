//! A call that a person at the control page holds: ringing until they decide, and an agent that talks with somebody who is not
//! scripted. The agent goes through its questions, takes a refusal for an answer, and heeds a wish not to be called again.

use crate::{
    call::{Ending, Plan, Status},
    callee::Character,
    conversation::{Brief, Conversation, QUESTIONS, Segment, THANKS, Who, speaking_seconds},
    handset::{Deed, Hand},
    life::{End, Interrupt, Line, RING_BUFFER_SECONDS},
    speaker::Moment,
};

/// How long an agent waits for an answer before it goes on.
const ANSWER_SECONDS: f64 = 12.0;
/// Silences in a row before it gives up.
const SILENCES_MAX: u32 = 3;
/// Turns of one call that are kept.
const TURNS_MAX: usize = 400;
const STILL_THERE: &str = "Are you still there?";
const GOODBYE: &str = "All right. Goodbye.";
/// What somebody says who does not want to be called again.
const STOPS: [&str; 9] = [
    "stop calling",
    "not call me",
    "n't call me",
    "never call",
    "remove me",
    "remove my number",
    "take me off",
    "لا تتصل",
    "توقف عن الاتصال",
];
const REFUSALS: [&str; 4] = ["not interested", "no thank", "no, thank", "لست مهتم"];

/// What the agent says next.
#[derive(Debug, Clone, PartialEq)]
struct Turn {
    text: String,
    is_last: bool,
}

/// The agent's half of a conversation: what it makes of each answer.
struct Agent<'a> {
    brief: &'a Brief,
    character: Character,
    asked: usize,
    silences: u32,
}

impl<'a> Agent<'a> {
    fn new(brief: &'a Brief) -> Self {
        // Who hangs up in the middle had no time.
        Self { brief, character: Character::Busy, asked: 0, silences: 0 }
    }

    fn next(&mut self, heard: Option<&str>) -> Turn {
        let last = |text: &str| Turn { text: text.to_owned(), is_last: true };
        let says = |phrases: &[&str]| {
            heard.map(str::to_lowercase).is_some_and(|text| {
                let text = text.replace('’', "'");
                phrases.iter().any(|phrase| text.contains(phrase))
            })
        };
        if says(&STOPS) {
            self.character = Character::OptsOut;
            return last(self.brief.opt_out.as_deref().unwrap_or(GOODBYE));
        }
        if says(&REFUSALS) {
            self.character = Character::Refuses;
            return last(THANKS);
        }
        if heard.is_none() {
            self.silences += 1;
            if self.silences >= SILENCES_MAX {
                return last(GOODBYE);
            }
            return Turn { text: STILL_THERE.to_owned(), is_last: false };
        }
        self.silences = 0;
        let question = QUESTIONS.get(self.asked).map(|(question, _)| *question);
        self.asked += 1;
        match question {
            Some(question) => Turn { text: question.to_owned(), is_last: false },
            None => {
                self.character = Character::Interested;
                last(THANKS)
            }
        }
    }
}

impl Line {
    /// Rings until somebody decides, or whoever calls gives up.
    pub async fn offer(&mut self) -> Result<(), End> {
        const CANCELED: End = (Status::Canceled, Ending::Order, 487);
        self.heed(self.order.ring_seconds_max + RING_BUFFER_SECONDS).await.map_err(|_| CANCELED)?;
        // Read under the lock, so that nobody accepts a call that has just rung out.
        let decided = self.network.with_call(&self.id, |call| {
            if call.hand == Some(Hand::Offered) {
                call.hand = Some(Hand::Missed);
            }
            call.hand
        });
        match decided.flatten() {
            Some(Hand::Accepted) => Ok(()),
            Some(Hand::Declined) => Err((Status::Busy, Ending::Busy, 486)),
            _ => Err((Status::NoAnswer, Ending::NoAnswer, 487)),
        }
    }

    /// Talks with whoever accepted the call, until one of the two has had enough.
    pub async fn speak(&mut self, brief: &Brief) -> Result<Ending, Interrupt> {
        let mut agent = Agent::new(brief);
        let mut turns: Vec<Segment> = Vec::new();
        let mut turn = Turn { text: brief.greeting.clone(), is_last: false };
        loop {
            let start = self.elapsed;
            let seconds = if turn.text.trim().is_empty() { 0.0 } else { speaking_seconds(&turn.text) };
            if seconds > 0.0 {
                turns.push(Segment { who: Who::Agent, text: turn.text.clone(), start, end: start + seconds });
            }
            self.judge(&agent, &turns);
            let mut heard = self.hear(seconds).await?;
            if let Some(last) = turns.last_mut() {
                last.end = last.end.min(self.elapsed);
            }
            if turn.is_last {
                return Ok(Ending::Agent);
            }
            if heard.is_none() {
                heard = self.hear(ANSWER_SECONDS).await?;
            }
            if let Some(text) = &heard {
                turns.push(self.spoken(text, turns.last()));
            }
            turn = agent.next(heard.as_deref());
            if turns.len() >= TURNS_MAX {
                turn.is_last = true;
            }
        }
    }

    /// They were talking while we waited: what they said ends now.
    fn spoken(&self, text: &str, before: Option<&Segment>) -> Segment {
        let start = (self.elapsed - speaking_seconds(text)).max(before.map_or(0.0, |segment| segment.end));
        Segment { who: Who::Person, text: text.to_owned(), start, end: self.elapsed.max(start) }
    }

    /// Waits for somebody to say something.
    async fn hear(&mut self, seconds: f64) -> Result<Option<String>, Interrupt> {
        let end = self.elapsed + seconds;
        loop {
            match self.heed(end - self.elapsed).await? {
                Some(Deed::Say { text }) => return Ok(Some(text)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    fn judge(&self, agent: &Agent<'_>, turns: &[Segment]) {
        let conversation = Conversation::judged(agent.brief, turns.to_vec(), agent.character);
        self.network.with_call(&self.id, |call| call.conversation = Some(conversation));
    }

    /// Notes what is heard on a line; where an agent converses, the conversation itself is kept.
    pub fn note(&self, who: Who, text: &str, seconds: f64) {
        let converses = matches!(self.order.plan, Plan::Converse(_));
        if !self.is_held() || converses || text.is_empty() {
            return;
        }
        let segment = Segment { who, text: text.to_owned(), start: self.elapsed, end: self.elapsed + seconds };
        self.network.with_call(&self.id, |call| {
            if call.heard.len() < TURNS_MAX {
                call.heard.push(segment);
            }
        });
    }

    /// Notes what a person did, where no agent listens.
    pub fn note_deed(&self, deed: Option<&Deed>) {
        match deed {
            Some(Deed::Say { text }) => self.note(Who::Person, text, 0.0),
            Some(Deed::Press { key }) => self.note(Who::Person, &format!("[{key}]"), 0.0),
            _ => {}
        }
    }

    /// Tells of the ring, and lets a person decide.
    pub async fn ring_for_a_person(&mut self) -> Result<(), End> {
        self.progress(Status::Ringing, Moment::Ringing).await;
        self.offer().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief() -> Brief {
        Brief { opt_out: Some("I will not call again.".into()), ..Brief::default() }
    }

    #[test]
    fn an_agent_asks_all_it_has_to_ask_and_thanks() {
        let brief = brief();
        let mut agent = Agent::new(&brief);
        for (question, answer) in QUESTIONS {
            assert_eq!(agent.next(Some(answer)), Turn { text: (*question).to_owned(), is_last: false });
        }
        assert_eq!(agent.next(Some("By card.")), Turn { text: THANKS.to_owned(), is_last: true });
        assert_eq!(agent.character, Character::Interested);
    }

    #[test]
    fn who_does_not_want_to_be_called_is_heeded_whatever_the_words() {
        for wish in ["Please STOP calling me.", "Don’t call me again", "never call here", "رجاءً لا تتصل بي"] {
            let brief = brief();
            let mut agent = Agent::new(&brief);
            assert_eq!(agent.next(Some(wish)), Turn { text: "I will not call again.".into(), is_last: true }, "{wish}");
            assert_eq!(agent.character, Character::OptsOut);
        }
        let bare = Brief::default();
        assert_eq!(Agent::new(&bare).next(Some("stop calling")).text, GOODBYE);
    }

    #[test]
    fn a_refusal_is_not_a_wish_never_to_be_called() {
        let brief = brief();
        let mut agent = Agent::new(&brief);
        assert!(agent.next(Some("No, thank you, I am not interested.")).is_last);
        assert_eq!(agent.character, Character::Refuses);
    }

    #[test]
    fn silence_is_asked_about_and_then_left_alone() {
        let brief = brief();
        let mut agent = Agent::new(&brief);
        assert_eq!(agent.next(None).text, STILL_THERE);
        assert!(!agent.next(Some("Yes")).is_last, "an answer starts the count again");
        let turns: Vec<bool> = (0..SILENCES_MAX).map(|_| agent.next(None).is_last).collect();
        assert_eq!(turns, [false, false, true]);
    }
}
