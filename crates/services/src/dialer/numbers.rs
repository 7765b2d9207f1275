//! Which number a call is made from: the one the person saw last time when it is free, else the least busy one.
//! The choice is pure; beside it is the statement that locks the slots of numbers.

use super::eligible::start_of_day;
use crate::db::Tx;
use crate::error::Result;
use chrono_tz::Tz;
use model::id::{GatewayId, NumberId};
use model::phone::Phone;

/// A number with the room it has, locked until the end of the transaction.
#[derive(sqlx::FromRow, Debug, Clone)]
pub(super) struct Line {
    pub id: NumberId,
    pub phone: Phone,
    /// The provider's id of it.
    pub remote_id: Option<String>,
    in_use: i32,
    cap: i32,
    /// Outbound calls it may still make today; `None` without a daily cap.
    left_today: Option<i64>,
}

impl Line {
    fn room(&self) -> i64 {
        let free = i64::from(self.cap - self.in_use).max(0);
        self.left_today.map_or(free, |left| free.min(left.max(0)))
    }
}

/// The numbers of one gateway during one turn of the dialer.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// Calls that fit on all numbers together.
    pub fn room(&self) -> i64 {
        self.0.iter().map(Line::room).sum()
    }

    /// There is no number at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every number has used up its calls for today; a slot that is freed would not help.
    pub fn are_spent_today(&self) -> bool {
        !self.is_empty() && self.0.iter().all(|line| line.left_today.is_some_and(|left| left <= 0))
    }

    /// Takes a slot: on the number of the person's last call when it has room, because people answer a number they
    /// know; else on the one with the fewest calls in use.
    pub fn choose_number(&mut self, last: Option<NumberId>) -> Option<Line> {
        let with_room = self.0.iter_mut().filter(|line| line.room() > 0);
        let line = with_room.min_by_key(|line| (Some(line.id) != last, line.in_use, line.id))?;
        line.in_use += 1;
        line.left_today = line.left_today.map(|left| left - 1);
        Some(line.clone())
    }
}

/// Locks the slots of a gateway's numbers, after those of company, gateway and campaign.
pub(super) async fn lines(tx: &mut Tx, gateway: GatewayId, zone: Tz) -> Result<Lines> {
    let today = start_of_day(tx.now(), zone);
    let lines = sqlx::query_as(
        "with locked as (
            select u.ref, u.in_use, u.cap from capacity u join numbers n on n.id = u.ref
            where u.scope = 'number' and n.gateway_id = $1 order by u.ref for update of u)
         select n.id, n.phone, n.remote_id, l.in_use, l.cap, case when n.calls_per_day_max is not null then n.calls_per_day_max
                - (select count(*) from calls k where k.number_id = n.id and k.direction = 'outbound'
                   and k.created_at >= $2) end as left_today
         from locked l join numbers n on n.id = l.ref order by n.id",
    )
    .bind(gateway)
    .bind(today)
    .fetch_all(tx.conn())
    .await?;
    Ok(Lines(lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn line(id: u128, in_use: i32, cap: i32, left_today: Option<i64>) -> Line {
        let phone = Phone::parse(&format!("+1202555010{id}")).expect("E.164");
        Line { id: Uuid::from_u128(id).into(), phone, remote_id: None, in_use, cap, left_today }
    }

    fn number(id: u128) -> NumberId {
        Uuid::from_u128(id).into()
    }

    #[test]
    fn a_person_is_called_from_the_number_they_know_while_it_has_room() {
        let mut lines = Lines(vec![line(1, 0, 5, None), line(2, 3, 5, None)]);
        let chosen: Vec<_> = (0..3).map(|_| lines.choose_number(Some(number(2))).expect("room").id).collect();
        assert_eq!(chosen, [number(2), number(2), number(1)], "two are free on the known number");
    }

    #[test]
    fn strangers_are_spread_over_the_least_busy_numbers() {
        let mut lines = Lines(vec![line(1, 2, 5, None), line(2, 0, 5, None), line(3, 1, 5, None)]);
        let chosen: Vec<_> = (0..4).map(|_| lines.choose_number(Some(number(9))).expect("room").id).collect();
        assert_eq!(chosen, [number(2), number(2), number(3), number(1)]);
    }

    #[test]
    fn no_number_goes_over_its_slots_or_its_day() {
        let mut lines = Lines(vec![line(1, 4, 5, Some(9)), line(2, 0, 5, Some(2)), line(3, 0, 5, Some(-1))]);
        assert_eq!(lines.room(), 3);
        let chosen: Vec<_> = std::iter::from_fn(|| lines.choose_number(None)).map(|line| line.id).collect();
        assert_eq!(chosen, [number(2), number(2), number(1)]);
        assert!(!lines.are_spent_today() && !Lines::default().are_spent_today());
        assert!(Lines(vec![line(1, 0, 5, Some(0))]).are_spent_today());
    }
}
