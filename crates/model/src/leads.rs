//! How far a contact is on the way to buying: a status, a score of five parts with their reasons, who looks after it and what comes
//! next. Also here: what a call says of all that.

use crate::calls::Sentiment;
use crate::error::FieldErrors;
use crate::id::{CallId, ContactId, LeadId, UserId};
use crate::orders::day;
use crate::page::Paging;
use crate::time::Moment;
use crate::words;
use chrono::NaiveDate;
use std::collections::BTreeMap;

words! {
    /// Where a lead stands. People move it as they like; a call only ever moves it forward.
    pub enum LeadStatus {
        New = "new", "New";
        Contacted = "contacted", "Contacted";
        Qualified = "qualified", "Qualified";
        Unqualified = "unqualified", "Unqualified";
        Converted = "converted", "Converted";
        Lost = "lost", "Lost";
    }
}

impl LeadStatus {
    /// Somebody still works on it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Contacted | Self::Qualified)
    }

    /// What a call makes of it. What people decided stays.
    pub const fn after(self, interest: Interest) -> Self {
        match (self, interest) {
            (Self::New | Self::Contacted, Interest::Goal) => Self::Qualified,
            (Self::New, Interest::Shown) => Self::Contacted,
            (other, _) => other,
        }
    }
}

words! {
    /// One of the five parts of a score.
    pub enum Part {
        Intent = "intent", "Intent";
        Urgency = "urgency", "Urgency";
        Budget = "budget", "Budget";
        Fit = "fit", "Fit";
        Engagement = "engagement", "Engagement";
    }
}

/// Points of one part.
pub const POINTS_MAX: i16 = 20;
/// Leads that are pushed in one transaction.
pub const PUSH_MAX: usize = 1_000;
/// Leads that one column of the board shows.
pub const COLUMN_MAX: i64 = 25;
/// Characters of a reason.
const REASON_MAX: usize = 200;

/// One part of a score, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Grade {
    /// 0 to [`POINTS_MAX`].
    pub points: i16,
    pub reason: String,
}

/// The five parts, in the order of [`Part::ALL`].
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Score(pub [Grade; 5]);

impl Score {
    /// 0 to 100.
    pub fn total(&self) -> i16 {
        self.0.iter().map(|grade| grade.points).sum()
    }
    /// The higher of both, part by part: in whatever order calls are heard, and however often, it comes to the same.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let mut parts = self.0;
        for (here, there) in parts.iter_mut().zip(other.0) {
            if there.points > here.points {
                *here = there;
            }
        }
        Self(parts)
    }
}

/// One part of a score, as typed. Without points it stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct GradeForm {
    pub points: String,
    pub reason: String,
}

/// A score, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ScoreForm {
    pub intent: GradeForm,
    pub urgency: GradeForm,
    pub budget: GradeForm,
    pub fit: GradeForm,
    pub engagement: GradeForm,
}

impl ScoreForm {
    /// The five parts, in the order of [`Part::ALL`].
    pub const fn parts(&self) -> [&GradeForm; 5] {
        [&self.intent, &self.urgency, &self.budget, &self.fit, &self.engagement]
    }
}

/// A lead, as typed or as a program sends it. What is left empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct LeadForm {
    /// For somebody whose number is new; who is known keeps the name they have.
    pub name: String,
    /// With country code, or as the company's region writes it.
    pub phone: String,
    /// For somebody whose number is new.
    pub email: String,
    pub status: Option<LeadStatus>,
    pub score: ScoreForm,
    pub next_action: String,
    /// `2026-11-22`.
    pub follow_up_on: String,
    pub notes: String,
}

/// What was said about a lead, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLead {
    pub status: Option<LeadStatus>,
    /// In the order of [`Part::ALL`].
    pub score: [Option<Grade>; 5],
    pub next_action: String,
    pub follow_up_on: Option<NaiveDate>,
    pub notes: String,
}

impl LeadForm {
    /// Reads everything but the person.
    ///
    /// # Errors
    /// All field problems at once; those of the score are named `score.intent`.
    pub fn read(&self) -> Result<NewLead, FieldErrors> {
        let mut bad = FieldErrors::new();
        for (field, text, max) in [("next_action", &self.next_action, 200), ("notes", &self.notes, 2_000)] {
            if text.trim().chars().count() > max {
                bad.insert(field.to_owned(), format!("Use at most {max} characters."));
            }
        }
        let follow_up_on = day(&self.follow_up_on);
        if follow_up_on.is_err() {
            bad.insert("follow_up_on".to_owned(), "Write a day like 2026-11-22.".to_owned());
        }
        let mut score: [Option<Grade>; 5] = Default::default();
        for ((part, form), grade) in Part::ALL.iter().zip(self.score.parts()).zip(&mut score) {
            match read_grade(form) {
                Ok(read) => *grade = read,
                Err(why) => drop(bad.insert(format!("score.{part}"), why)),
            }
        }
        match follow_up_on {
            Ok(follow_up_on) if bad.is_empty() => Ok(NewLead {
                status: self.status,
                score,
                next_action: self.next_action.trim().to_owned(),
                follow_up_on,
                notes: self.notes.trim().to_owned(),
            }),
            _ => Err(bad),
        }
    }
}

fn read_grade(form: &GradeForm) -> Result<Option<Grade>, String> {
    let (points, reason) = (form.points.trim(), form.reason.trim());
    if reason.chars().count() > REASON_MAX {
        return Err(format!("Use at most {REASON_MAX} characters for the reason."));
    }
    if points.is_empty() {
        return if reason.is_empty() { Ok(None) } else { Err("Say how many points this reason is worth.".to_owned()) };
    }
    let read = Some(points).filter(|text| text.bytes().all(|b| b.is_ascii_digit())).and_then(|text| text.parse().ok());
    let points = read.filter(|points| (0..=POINTS_MAX).contains(points));
    let points = points.ok_or_else(|| format!("Use a whole number from 0 to {POINTS_MAX}."))?;
    Ok(Some(Grade { points, reason: reason.to_owned() }))
}

/// How much somebody wanted it, in the order of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interest {
    /// They spoke of it as who wants it.
    Shown,
    /// The conversation reached what it was for.
    Goal,
}

/// What is known of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    pub successful: Option<bool>,
    pub sentiment: Option<Sentiment>,
    pub keywords: Vec<String>,
    /// What was found out, by name.
    pub found: BTreeMap<String, String>,
    /// How often the person spoke.
    pub answers: usize,
}

/// Keywords by which somebody shows interest.
const WANTS: &[&str] = &[
    "appointment",
    "buy",
    "buying",
    "call back",
    "callback",
    "demo",
    "interest",
    "interested",
    "offer",
    "order",
    "price",
    "pricing",
    "purchase",
    "quote",
    "viewing",
    "visit",
];
/// What agents are asked to find out, by what it says.
const INTEREST: &[&str] = &["intent", "interest", "interested"];
const URGENCY: &[&str] = &["date", "deadline", "move_in_date", "timeline", "timeframe", "urgency", "when"];
const BUDGET: &[&str] = &["amount", "budget", "price", "price_range"];
/// What says that there is none of it.
const NO: &[&str] = &["", "-", "0", "false", "low", "n/a", "no", "none", "not interested", "null", "unknown"];

impl Heard {
    /// What was found out under one of these names, unless it says that there is none.
    fn found(&self, names: &[&str]) -> Option<&str> {
        let key = |name: &String| name.trim().to_lowercase().replace([' ', '-'], "_");
        let is_said = |value: &String| !NO.contains(&value.trim().to_lowercase().as_str());
        self.found
            .iter()
            .find(|(name, value)| names.contains(&key(name).as_str()) && is_said(value))
            .map(|(_, value)| value.trim())
    }

    fn mentions(&self, words: &[&str]) -> bool {
        self.keywords.iter().any(|word| words.contains(&word.trim().to_lowercase().as_str()))
    }

    /// How much they wanted it, if they did. Keywords of somebody who did not like the call say nothing.
    pub fn interest(&self) -> Option<Interest> {
        let is_shown = self.found(INTEREST).is_some() || self.mentions(WANTS) && self.sentiment != Some(Sentiment::Negative);
        match self.successful {
            Some(true) => Some(Interest::Goal),
            _ => is_shown.then_some(Interest::Shown),
        }
    }

    /// What the conversation is worth, with the reasons. More said is never worth less.
    pub fn score(&self) -> Score {
        let grade = |points: usize, reason: String| Grade {
            points: i16::try_from(points).unwrap_or(POINTS_MAX).min(POINTS_MAX),
            reason: if points == 0 { String::new() } else { reason.chars().take(REASON_MAX).collect() },
        };
        let intent = match self.interest() {
            Some(Interest::Goal) => grade(20, "The call reached its aim.".to_owned()),
            Some(Interest::Shown) => grade(12, "Showed interest in a call.".to_owned()),
            None => Grade::default(),
        };
        let urgency = self.found(URGENCY).map(|when| grade(15, format!("Named a time: {when}")));
        let budget = self.found(BUDGET).map(|budget| grade(15, format!("Named a budget: {budget}")));
        let known = self.found.values().filter(|value| !NO.contains(&value.trim().to_lowercase().as_str())).count();
        let fit = grade(known * 4, format!("{known} of the agent's questions were answered."));
        let liked = if self.sentiment == Some(Sentiment::Positive) { 6 } else { 0 };
        let engagement = grade((self.answers * 2).min(14) + liked, format!("Spoke {} times in a call.", self.answers));
        Score([intent, urgency.unwrap_or_default(), budget.unwrap_or_default(), fit, engagement])
    }
}

words! {
    /// When a lead is to be followed up.
    pub enum Due {
        Now = "now", "Due";
        Week = "week", "Within a week";
    }
}

/// What the list and the board may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct LeadFilter {
    /// Start of the person's name, or of their phone number.
    pub search: String,
    pub status: Option<LeadStatus>,
    pub owner: Option<UserId>,
    /// The lowest score; what is no number is no filter.
    pub score_min: String,
    /// The highest score.
    pub score_max: String,
    /// Open ones only.
    pub due: Option<Due>,
    pub paging: Paging,
}

impl LeadFilter {
    /// The scores it names.
    pub fn scores(&self) -> (Option<i16>, Option<i16>) {
        (self.score_min.trim().parse().ok(), self.score_max.trim().parse().ok())
    }
    /// Whether it leaves anything out.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.search, &self.score_min, &self.score_max];
        texts.iter().all(|text| text.trim().is_empty()) && self.status.is_none() && self.owner.is_none() && self.due.is_none()
    }
}

/// A lead in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LeadRow {
    pub id: LeadId,
    pub contact: ContactId,
    pub name: String,
    /// Masked for roles that may not see numbers.
    pub phone: String,
    pub status: LeadStatus,
    /// 0 to 100.
    pub score: i16,
    /// Who looks after it, as they were called when it was given to them.
    pub owner: Option<(UserId, String)>,
    pub next_action: String,
    pub follow_up_on: Option<NaiveDate>,
    /// The day to follow up has come, and it is open.
    pub is_due: bool,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// Out of all lists.
    pub archived: bool,
}

/// A lead with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lead {
    pub row: LeadRow,
    pub score: Score,
    pub notes: String,
    /// The call that made it, where it was one that the role may see.
    pub call: Option<CallId>,
}

/// One column of the board.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BoardColumn {
    pub status: LeadStatus,
    /// All that match, of which `rows` are the first.
    pub count: i64,
    pub rows: Vec<LeadRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(keywords: &[&str], found: &[(&str, &str)]) -> Heard {
        Heard {
            keywords: keywords.iter().map(ToString::to_string).collect(),
            found: found.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Heard::default()
        }
    }

    #[test]
    fn a_call_moves_a_lead_forward_and_never_back() {
        let mut grid = String::new();
        for status in LeadStatus::ALL {
            let after = |interest| status.after(interest).as_str();
            grid.push_str(&format!("{status:12} {:12} {}\n", after(Interest::Shown), after(Interest::Goal)));
        }
        insta::assert_snapshot!(grid);
    }

    #[test]
    fn interest_is_a_goal_a_word_or_something_found_out() {
        let goal = Heard { successful: Some(true), ..heard(&[], &[]) };
        assert_eq!(goal.interest(), Some(Interest::Goal));
        for shown in [heard(&[" Price "], &[]), heard(&[], &[("Intent", "high")]), heard(&[], &[("interested", "true")])] {
            assert_eq!(shown.interest(), Some(Interest::Shown), "{shown:?}");
        }
        let cross = Heard { sentiment: Some(Sentiment::Negative), ..heard(&["price"], &[]) };
        let missed = Heard { successful: Some(false), ..Heard::default() };
        for none in
            [heard(&["weather"], &[]), heard(&[], &[("intent", "None")]), heard(&[], &[("colour", "blue")]), cross, missed]
        {
            assert_eq!(none.interest(), None, "{none:?}");
        }
    }

    #[test]
    fn a_score_has_reasons_and_a_top() {
        let much = Heard {
            successful: Some(true),
            sentiment: Some(Sentiment::Positive),
            answers: 100,
            ..heard(&[], &[("Budget", "20k"), ("move-in date", "May"), ("a", "1"), ("b", "2"), ("c", "3"), ("d", "no")])
        };
        let score = much.score();
        assert_eq!(score.0.each_ref().map(|grade| grade.points), [20, 15, 15, 20, 20]);
        assert_eq!((score.total(), score.0[2].reason.as_str()), (90, "Named a budget: 20k"));
        assert_eq!(Heard::default().score(), Score::default());
    }

    #[test]
    fn scores_join_in_any_order_and_any_number_of_times() {
        let of = |points: [i16; 5]| Score(points.map(|points| Grade { points, reason: points.to_string() }));
        let (a, b) = (of([1, 20, 3, 0, 5]), of([2, 4, 3, 9, 5]));
        let both = a.clone().join(b.clone());
        assert_eq!(both.0.each_ref().map(|grade| grade.points), [2, 20, 3, 9, 5]);
        assert_eq!(b.clone().join(a.clone()), both);
        assert_eq!(both.clone().join(a).join(b), both);
    }

    #[test]
    fn points_are_whole_and_within_their_limit() {
        let read = |points: &str, reason: &str| read_grade(&GradeForm { points: points.into(), reason: reason.into() });
        assert_eq!(read(" 20 ", " much "), Ok(Some(Grade { points: 20, reason: "much".into() })));
        assert_eq!((read("", ""), read("0", "").is_ok()), (Ok(None), true));
        for (points, reason) in
            [("21", ""), ("-1", ""), ("1.5", ""), ("+1", ""), ("99999", ""), ("", "why"), ("1", &"x".repeat(201))]
        {
            assert!(read(points, reason).is_err(), "{points:?} {reason:?}");
        }
    }

    #[test]
    fn a_form_says_all_that_is_wrong_at_once() {
        let bad = LeadForm {
            score: ScoreForm { fit: GradeForm { points: "x".into(), ..GradeForm::default() }, ..ScoreForm::default() },
            next_action: "x".repeat(201),
            follow_up_on: "soon".into(),
            ..LeadForm::default()
        };
        let problems = bad.read().expect_err("bad");
        assert_eq!(problems.keys().map(String::as_str).collect::<Vec<_>>(), ["follow_up_on", "next_action", "score.fit"]);
        assert!(LeadForm::default().read().is_ok());
    }
}
