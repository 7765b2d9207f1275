//! Two people talking, one of them an agent: what is said and when, and what it came to. Believable enough to look at, always
//! the same for the same luck, and exactly as long as the call.

use std::collections::BTreeMap;

use crate::{
    callee::{Callee, Character, Pickup},
    chance::Dice,
};

/// Speaking speed of a voice.
const WORDS_PER_SECOND: f64 = 2.5;
/// Between two turns.
const PAUSE_SECONDS: (f64, f64) = (0.3, 1.1);
/// How long a machine's own announcement takes.
const ANNOUNCEMENT: &str = "The person you are calling is not available. Please leave a message after the tone.";
/// What an agent says at the end.
pub const THANKS: &str = "Thank you for your time. Goodbye.";
/// Words of the prompt that the judgement names.
const KEYWORDS_MAX: usize = 3;
const KEYWORD_LETTERS_MIN: usize = 5;

/// What an agent was told.
#[derive(Debug, Clone, Default)]
pub struct Brief {
    pub prompt: String,
    pub greeting: String,
    /// Left on a machine; without it the agent hangs up on one.
    pub voicemail: Option<String>,
    /// Said to whoever does not want to be called again.
    pub opt_out: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Agent,
    Person,
}

/// One turn, in virtual seconds since the pick-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub who: Who,
    pub text: String,
    pub start: f64,
    pub end: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

/// A conversation, and the judgement on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    pub segments: Vec<Segment>,
    pub summary: String,
    pub sentiment: Sentiment,
    pub successful: bool,
    pub voicemail: bool,
    pub opted_out: bool,
    pub keywords: Vec<String>,
}

/// How long a voice needs for a text.
pub fn speaking_seconds(text: &str) -> f64 {
    0.5 + text.split_whitespace().count() as f64 / WORDS_PER_SECOND
}

/// Puts values where the text names them as `{{name}}`; a name without a value stays.
pub fn fill(text: &str, values: &BTreeMap<String, String>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

pub type Lines = &'static [(&'static str, &'static str)];

/// What an agent asks, and what somebody who is interested answers.
pub const QUESTIONS: Lines = &[
    ("Is this a good moment to talk?", "Yes, I have a few minutes."),
    ("May I ask what matters most to you here?", "Price, mostly. And that it arrives on time."),
    ("We can usually deliver within two days.", "Two days would be fine."),
    ("Have you used something like this before?", "Last year, with another company. It was all right."),
    ("What did you like least about it?", "Nobody ever answered the phone."),
    ("I understand. With us you always reach a person.", "That sounds good."),
    ("Would you like to hear about the offer of this week?", "Sure, go ahead."),
    ("It is ten percent off for everybody who orders by Friday.", "Okay, that is a fair price."),
    ("Shall I send you the details as a message?", "Please do, to this number."),
    ("Is there anything else you would like to know?", "How can I pay?"),
    ("By card or on delivery, as you prefer.", "On delivery is better for me."),
];
const BUSY: Lines = &[
    ("Is this a good moment to talk?", "Not really, I am driving."),
    ("I will be quick, it takes half a minute.", "Can you call me back tomorrow?"),
    ("Of course. Would the morning suit you?", "After ten would be better."),
    ("After ten it is. Should I call this number?", "Yes, this one."),
];
const REFUSES: Lines = &[
    ("Is this a good moment to talk?", "What is this about?"),
    ("I would like to tell you about our offer.", "I am not interested, thank you."),
    ("May I ask why?", "I already have somebody for that."),
    ("I understand. May I send you a leaflet instead?", "No, really not."),
];

impl Conversation {
    /// With whoever picked up. Its natural length is [`Conversation::seconds`]; a call that is cut off keeps less of it.
    pub fn hold(dice: &mut Dice, brief: &Brief, callee: &Callee, detected: bool) -> Self {
        match callee.pickup {
            Pickup::Machine { .. } => Self::with_machine(brief, detected),
            Pickup::Human { talk, .. } => Self::with_person(dice, brief, callee, talk),
            _ => Self::judged(brief, Vec::new(), Character::Busy),
        }
    }

    fn with_machine(brief: &Brief, detected: bool) -> Self {
        let mut turns = Turns::default();
        turns.say(Who::Person, ANNOUNCEMENT, 0.2);
        match (&brief.voicemail, detected) {
            (Some(message), true) => turns.say(Who::Agent, message, 0.5),
            (None, true) => {}
            (_, false) => turns.say(Who::Agent, &brief.greeting, 0.5),
        }
        let mut conversation = Self::judged(brief, turns.0, Character::Busy);
        conversation.voicemail = true;
        conversation.summary = "A machine answered.".to_owned();
        conversation
    }

    fn with_person(dice: &mut Dice, brief: &Brief, callee: &Callee, talk: f64) -> Self {
        let mut turns = Turns::default();
        turns.say(Who::Agent, &brief.greeting, 0.3);
        if callee.character == Character::OptsOut {
            let at = callee.press.map_or(0.0, |press| press.after);
            turns.say(Who::Person, "Please stop calling me.", (at - turns.seconds()).max(PAUSE_SECONDS.0));
            turns.say(Who::Agent, brief.opt_out.as_deref().unwrap_or("All right. Goodbye."), PAUSE_SECONDS.0);
            return Self::judged(brief, turns.0, callee.character);
        }
        turns.say(Who::Person, "Hello?", dice.between(PAUSE_SECONDS.0, PAUSE_SECONDS.1));
        let (lines, goodbye) = match callee.character {
            Character::Interested => (QUESTIONS, "Great, thank you. Goodbye."),
            Character::Busy => (BUSY, "I have to go now. Bye."),
            Character::Refuses | Character::OptsOut => (REFUSES, "Goodbye."),
        };
        let reserve = speaking_seconds(goodbye) + speaking_seconds(THANKS) + 2.0 * PAUSE_SECONDS.1;
        for (question, answer) in lines {
            if turns.seconds() + speaking_seconds(question) + speaking_seconds(answer) + reserve > talk {
                break;
            }
            turns.say(Who::Agent, question, dice.between(PAUSE_SECONDS.0, PAUSE_SECONDS.1));
            turns.say(Who::Person, answer, dice.between(PAUSE_SECONDS.0, PAUSE_SECONDS.1));
        }
        turns.say(Who::Agent, THANKS, PAUSE_SECONDS.0);
        turns.say(Who::Person, goodbye, PAUSE_SECONDS.0);
        turns.stretch(talk);
        Self::judged(brief, turns.0, callee.character)
    }

    pub fn judged(brief: &Brief, segments: Vec<Segment>, character: Character) -> Self {
        let keywords = keywords(&brief.prompt);
        let about = if keywords.is_empty() { "the matter".to_owned() } else { keywords.join(", ") };
        let (summary, sentiment) = match character {
            Character::Interested => ("The person was interested and asked for the details.", Sentiment::Positive),
            Character::Busy => ("The person had no time and would rather be called later.", Sentiment::Neutral),
            Character::Refuses => ("The person was not interested.", Sentiment::Negative),
            Character::OptsOut => ("The person does not want to be called again.", Sentiment::Negative),
        };
        Self {
            segments,
            summary: format!("The agent called about {about}. {summary}"),
            sentiment,
            successful: character == Character::Interested,
            voicemail: false,
            opted_out: character == Character::OptsOut,
            keywords,
        }
    }

    /// The turn in which they said that they want no more calls.
    pub fn opt_out(&self) -> Option<&Segment> {
        self.segments.iter().rfind(|segment| segment.who == Who::Person).filter(|_| self.opted_out)
    }

    /// Its natural length.
    pub fn seconds(&self) -> f64 {
        self.segments.last().map_or(0.0, |segment| segment.end)
    }

    /// As much of it as was said within so many seconds. Who hung up before saying it did not opt out.
    pub fn cut(&mut self, seconds: f64) {
        self.segments.retain(|segment| segment.start < seconds);
        if let Some(last) = self.segments.last_mut() {
            last.end = last.end.min(seconds);
        }
        let spoke = |who| self.segments.iter().any(|segment| segment.who == who);
        self.opted_out &= spoke(Who::Person);
        self.successful &= spoke(Who::Person);
    }
}

/// What is said, one after another.
#[derive(Default)]
struct Turns(Vec<Segment>);

impl Turns {
    fn seconds(&self) -> f64 {
        self.0.last().map_or(0.0, |segment| segment.end)
    }
    /// An empty text is silence, which is not said.
    fn say(&mut self, who: Who, text: &str, pause: f64) {
        if !text.trim().is_empty() {
            let start = self.seconds() + pause;
            self.0.push(Segment { who, text: text.to_owned(), start, end: start + speaking_seconds(text) });
        }
    }
    /// Slower or faster, so that all of it takes so long.
    fn stretch(&mut self, seconds: f64) {
        let factor = seconds / self.seconds().max(f64::EPSILON);
        for segment in &mut self.0 {
            segment.start *= factor;
            segment.end *= factor;
        }
    }
}

/// The first long words of a text.
fn keywords(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase) {
        if word.chars().count() >= KEYWORD_LETTERS_MIN && !found.contains(&word) && found.len() < KEYWORDS_MAX {
            found.push(word);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callee::Press;

    fn brief() -> Brief {
        Brief {
            prompt: "Sell bread and cakes of the bakery to everybody.".into(),
            greeting: "Hello, this is the bakery.".into(),
            voicemail: Some("Please call us back.".into()),
            opt_out: Some("I will not call again.".into()),
        }
    }

    fn talk(character: Character, seconds: f64) -> Conversation {
        let mut callee = Callee::from(Pickup::Human { ring: 1.0, talk: seconds, leaves: None });
        callee.character = character;
        if character == Character::OptsOut {
            callee.press = Some(Press { digit: '9', after: 6.0 });
        }
        Conversation::hold(&mut Dice::new(1, &["talk"]), &brief(), &callee, true)
    }

    #[test]
    fn a_conversation_fills_its_time_and_the_two_take_turns() {
        for seconds in [20.0, 70.0, 360.0] {
            for character in [Character::Interested, Character::Busy, Character::Refuses] {
                let conversation = talk(character, seconds);
                assert!((conversation.seconds() - seconds).abs() < 1e-6, "{character:?} {seconds}");
                assert!(conversation.segments.windows(2).all(|pair| pair[0].end <= pair[1].start));
                assert_eq!(conversation.segments[0].text, brief().greeting);
                let both = |who| conversation.segments.iter().filter(|segment| segment.who == who).count() >= 2;
                assert!(both(Who::Agent) && both(Who::Person));
                assert_eq!(conversation, talk(character, seconds), "the same luck, the same words");
            }
        }
        assert!(talk(Character::Interested, 360.0).segments.len() > talk(Character::Interested, 20.0).segments.len());
    }

    #[test]
    fn the_judgement_follows_the_character() {
        let judged = |character| {
            let talk = talk(character, 60.0);
            (talk.sentiment, talk.successful, talk.opted_out)
        };
        assert_eq!(judged(Character::Interested), (Sentiment::Positive, true, false));
        assert_eq!(judged(Character::Busy), (Sentiment::Neutral, false, false));
        assert_eq!(judged(Character::Refuses), (Sentiment::Negative, false, false));
        assert_eq!(judged(Character::OptsOut), (Sentiment::Negative, false, true));
        assert_eq!(talk(Character::Busy, 60.0).keywords, ["bread", "cakes", "bakery"]);
    }

    #[test]
    fn who_opts_out_says_so_at_their_moment_and_is_answered() {
        let conversation = talk(Character::OptsOut, 200.0);
        let stop = &conversation.segments[1];
        assert_eq!((stop.who, stop.start), (Who::Person, 6.0));
        assert!(stop.text.contains("stop calling me"));
        assert_eq!(conversation.segments[2].text, "I will not call again.");
        assert!(conversation.seconds() < 20.0);
    }

    #[test]
    fn a_machine_is_left_a_message_only_when_it_was_recognised() {
        let machine = Callee::from(Pickup::Machine { ring: 1.0, records: 30.0 });
        let said = |brief: &Brief, detected| {
            let talk = Conversation::hold(&mut Dice::new(1, &[]), brief, &machine, detected);
            assert!(talk.voicemail);
            talk.segments.into_iter().filter(|segment| segment.who == Who::Agent).map(|segment| segment.text).collect::<Vec<_>>()
        };
        assert_eq!(said(&brief(), true), ["Please call us back."]);
        assert_eq!(said(&brief(), false), ["Hello, this is the bakery."]);
        assert_eq!(said(&Brief { voicemail: None, ..brief() }, true), Vec::<String>::new());
    }

    #[test]
    fn variables_are_filled_in() {
        let values = BTreeMap::from([("first_name".to_owned(), "Zoë".to_owned())]);
        assert_eq!(fill("Hello {{first_name}}, {{other}} {first_name}", &values), "Hello Zoë, {{other}} {first_name}");
    }

    #[test]
    fn what_was_not_said_before_the_end_is_not_in_it() {
        let mut conversation = talk(Character::OptsOut, 60.0);
        conversation.cut(3.0);
        assert_eq!(conversation.segments.len(), 1);
        assert!(!conversation.opted_out && conversation.seconds() <= 3.0);
    }
}
