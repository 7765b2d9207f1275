//! The geometry of a chart, in whole numbers: server and browser compute the same text, and no float is ever printed.
//! Positions are parts of [`SIDE`], from the left and from the bottom.

use super::{Chart, Series, Shape, ink};
use crate::ui::join;

/// The length of both sides of a plot.
pub(super) const SIDE: i64 = 10_000;
pub(super) const VIEW_BOX: &str = "0 0 10000 10000";
/// Steps between the lines of a scale; a little more or fewer when that gives round numbers.
const STEPS: i64 = 4;
/// Round numbers below ten times a power of ten, in tenths.
const ROUND: [i64; 7] = [10, 20, 25, 30, 40, 50, 100];
/// Characters that fit under a chart on a desk; half of them on a phone.
const LABEL_ROOM: usize = 84;
/// Of its share of the width, what a bar takes.
const BAR_SHARE: i64 = 68;

/// A position as CSS: `12.50%`.
pub(super) fn percent(part: i64) -> String {
    format!("{}.{:02}%", part / 100, part % 100)
}

/// The smallest round step with which `STEPS` of them reach `top`.
fn round_step(top: i64) -> i64 {
    let least = (top + STEPS - 1) / STEPS;
    let mut power = 1;
    while power * 10 <= least {
        power *= 10;
    }
    // Tenths of one are not whole; 2.5 is the only one, and is left out where it would be broken.
    let steps = ROUND.iter().map(|tenths| (tenths * power, tenths * power / 10));
    steps.filter(|(exact, _)| exact % 10 == 0).map(|(_, step)| step).find(|step| *step >= least).unwrap_or(power * 10).max(1)
}

/// Length and begin of each share of a ring, in parts of [`SIDE`]; together they close it.
pub(super) fn arcs(values: &[i64]) -> Vec<(i64, i64)> {
    let whole = values.iter().map(|value| (*value).max(0)).sum::<i64>().max(1);
    let mut passed = 0;
    let mut begin = 0;
    (values.iter())
        .map(|value| {
            passed += (*value).max(0);
            let end = part(passed, whole);
            let arc = (end - begin, begin);
            begin = end;
            arc
        })
        .collect()
}

/// `value` of `whole` as a part of [`SIDE`], without overflow for any value.
fn part(value: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(SIDE) / i128::from(whole.max(1))).unwrap_or(SIDE)
}

/// One bar, from the bottom up: where it stands, and its parts with their class and their share of its height.
pub(super) struct Bar {
    pub style: String,
    pub parts: Vec<(&'static str, i64)>,
}

/// A chart with its scale.
pub(super) struct Plot<'a> {
    chart: &'a Chart,
    step: i64,
    top: i64,
}

impl<'a> Plot<'a> {
    pub fn of(chart: &'a Chart) -> Self {
        let count = chart.labels.len();
        let highest = |i: usize| {
            let values = chart.series.iter().map(|series| series.value(i));
            let spread = chart.series.iter().filter_map(|series| series.spread.get(i)).map(|(_, high)| *high).max();
            let value = if chart.shape.is_stacked() { values.sum() } else { values.max().unwrap_or_default() };
            value.max(spread.unwrap_or_default())
        };
        let most = (0..count).map(highest).max().unwrap_or_default().max(1);
        let step = round_step(most);
        Self { chart, step, top: (most + step - 1) / step * step }
    }

    /// The values at which a line is drawn, from nothing up.
    pub fn ticks(&self) -> impl Iterator<Item = i64> + use<> {
        let (step, top) = (self.step, self.top);
        (0..=top / step).map(move |n| n * step)
    }

    /// How far up a value is.
    pub fn up(&self, value: i64) -> i64 {
        part(value.clamp(0, self.top), self.top)
    }

    fn count(&self) -> i64 {
        self.chart.labels.len() as i64
    }

    /// How far along the middle of a label is.
    pub fn along(&self, i: usize) -> i64 {
        let (i, count) = (i as i64, self.count());
        match (self.chart.shape.is_barred(), count) {
            (true, _) => (2 * i + 1) * SIDE / (2 * count.max(1)),
            (false, ..=1) => SIDE / 2,
            (false, _) => i * SIDE / (count - 1),
        }
    }

    /// The label nearest to `x` pixels of `wide`.
    pub fn at(&self, x: i32, wide: i32) -> Option<usize> {
        let (x, wide, count) = (i64::from(x), i64::from(wide), self.count());
        if wide <= 0 || count == 0 {
            return None;
        }
        let i = if self.chart.shape.is_barred() { x * count / wide } else { (2 * x * (count - 1) + wide) / (2 * wide) };
        usize::try_from(i.clamp(0, count - 1)).ok()
    }

    /// The labels that fit, by position; of those marked, a phone has no room for.
    pub fn labels(&self) -> impl Iterator<Item = (usize, bool)> + use<> {
        let first_line = |label: &String| label.split('\n').next().unwrap_or_default().chars().count();
        let longest = self.chart.labels.iter().map(first_line).max().unwrap_or_default();
        let count = self.chart.labels.len();
        let every = count.div_ceil((LABEL_ROOM / (longest + 5)).max(2)).max(1);
        let crowded = count.div_ceil(every) * (longest + 3) > LABEL_ROOM / 2;
        (0..count).step_by(every).enumerate().map(move |(n, i)| (i, crowded && n % 2 == 1))
    }

    /// The bars of `Bars` and `Groups`.
    pub fn bars(&self) -> Vec<Bar> {
        let chart = self.chart;
        match chart.shape {
            Shape::Area | Shape::Lines => Vec::new(),
            Shape::Bars => (0..chart.labels.len()).map(|i| self.bar(i, (0, 1), &chart.series)).collect(),
            Shape::Groups => {
                let many = chart.series.len();
                let one = |i| (0..many).map(move |n| self.bar(i, (n, many), std::slice::from_ref(&chart.series[n])));
                (0..chart.labels.len()).flat_map(one).collect()
            }
        }
    }

    fn bar(&self, i: usize, place: (usize, usize), series: &[Series]) -> Bar {
        let whole = series.iter().map(|series| series.value(i)).sum();
        let (left, wide) = self.stand(i, place);
        let parts = series
            .iter()
            .map(|series| (ink(series.colour, series.is_faint_at(i)), series.value(i)))
            .filter(|(_, value)| *value > 0)
            .collect();
        let style = format!("left:{};width:{};height:{}", percent(left), percent(wide), percent(self.up(whole)));
        Bar { style, parts }
    }

    /// Where the `n`th of `many` bars of a label begins, and how wide it is.
    fn stand(&self, i: usize, (n, many): (usize, usize)) -> (i64, i64) {
        let slot = SIDE / self.count().max(1);
        let room = slot * BAR_SHARE / 100;
        let wide = room / many.max(1) as i64;
        (self.along(i) - room / 2 + n as i64 * wide, wide)
    }

    /// Low to high of every bar that has a spread.
    pub fn whiskers(&self) -> Vec<String> {
        if self.chart.shape != Shape::Groups {
            return Vec::new();
        }
        let many = self.chart.series.len();
        let mut styles = Vec::new();
        for (n, series) in self.chart.series.iter().enumerate() {
            for (i, (low, high)) in series.spread.iter().enumerate() {
                let (left, wide) = self.stand(i, (n, many));
                let (low, high) = (self.up(*low), self.up(*high));
                let (left, high) = (percent(left + wide / 2), percent((high - low).max(0)));
                styles.push(format!("left:{left};bottom:{};height:{high}", percent(low)));
            }
        }
        styles
    }

    /// The paths of `Area` and `Lines`, with their classes: layers and bands first, lines over them.
    pub fn paths(&self) -> Vec<(String, String)> {
        let series = &self.chart.series;
        match self.chart.shape {
            Shape::Bars | Shape::Groups => Vec::new(),
            Shape::Area => {
                let mut below = vec![0; self.chart.labels.len()];
                let mut paths = Vec::new();
                for series in series {
                    let above: Vec<i64> = below.iter().enumerate().map(|(i, below)| below + series.value(i)).collect();
                    paths.push((join("layer", ink(series.colour, series.faint)), self.between(&below, &above)));
                    below = above;
                }
                paths
            }
            Shape::Lines => {
                let bands = series.iter().filter(|series| !series.spread.is_empty()).map(|series| {
                    let (low, high): (Vec<_>, Vec<_>) = series.spread.iter().copied().unzip();
                    (join("band", ink(series.colour, false)), self.between(&low, &high))
                });
                let lines = series.iter().map(|series| {
                    let values: Vec<i64> = (0..self.chart.labels.len()).map(|i| series.value(i)).collect();
                    (join("line", ink(series.colour, series.faint)), format!("M{}", self.points(&values, false)))
                });
                bands.chain(lines).collect()
            }
        }
    }

    fn between(&self, low: &[i64], high: &[i64]) -> String {
        format!("M{}L{}Z", self.points(high, false), self.points(low, true))
    }

    /// The corners of a line, in the coordinates of [`VIEW_BOX`]: there, up is less. One value alone is a level line.
    fn points(&self, values: &[i64], backwards: bool) -> String {
        let mut corners: Vec<(i64, i64)> =
            values.iter().enumerate().map(|(i, value)| (self.along(i), SIDE - self.up(*value))).collect();
        if let [(_, y)] = corners[..] {
            corners = vec![(0, y), (SIDE, y)];
        }
        if backwards {
            corners.reverse();
        }
        corners.iter().map(|(x, y)| format!("{x} {y}")).collect::<Vec<_>>().join("L")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(shape: Shape, rows: &[&[i64]]) -> Chart {
        let labels = (0..rows[0].len()).map(|i| format!("d{i}")).collect();
        rows.iter().fold(Chart::new(shape, "Day", labels), |chart, row| chart.series(Series::new("S", 1, row.to_vec())))
    }

    #[test]
    fn a_scale_has_round_lines_and_ends_at_or_above_the_highest() {
        for (most, lines) in [
            (0, vec![0, 1]),
            (1, vec![0, 1]),
            (3, vec![0, 1, 2, 3]),
            (9, vec![0, 3, 6, 9]),
            (97, vec![0, 25, 50, 75, 100]),
            (1_020, vec![0, 300, 600, 900, 1_200]),
            (131_906, vec![0, 40_000, 80_000, 120_000, 160_000]),
        ] {
            let chart = chart(Shape::Lines, &[&[most]]);
            assert_eq!(Plot::of(&chart).ticks().collect::<Vec<_>>(), lines, "{most}");
        }
    }

    #[test]
    fn a_stack_is_as_high_as_its_parts_and_a_group_as_its_highest() {
        let rows: [&[i64]; 2] = [&[30, 40], &[50, 60]];
        assert_eq!(Plot::of(&chart(Shape::Bars, &rows)).top, 100);
        assert_eq!(Plot::of(&chart(Shape::Groups, &rows)).top, 60);
    }

    #[test]
    fn layers_lie_on_each_other_and_reach_both_ends() {
        let chart = chart(Shape::Area, &[&[50, 100], &[50, 0]]);
        let paths: Vec<String> = Plot::of(&chart).paths().into_iter().map(|(_, d)| d).collect();
        assert_eq!(paths, ["M0 5000L10000 0L10000 10000L0 10000Z", "M0 0L10000 0L10000 0L0 5000Z"]);
    }

    #[test]
    fn one_day_alone_is_a_level_layer() {
        let chart = chart(Shape::Area, &[&[8]]);
        assert_eq!(Plot::of(&chart).paths()[0].1, "M0 0L10000 0L10000 10000L0 10000Z");
    }

    #[test]
    fn bars_stand_in_the_middle_of_their_share_and_leave_out_what_is_nothing() {
        let chart = chart(Shape::Bars, &[&[2, 0], &[2, 0]]);
        let bars = Plot::of(&chart).bars();
        assert_eq!(bars[0].style, "left:8.00%;width:34.00%;height:100.00%");
        assert_eq!(bars[0].parts, [("ink-1", 2), ("ink-1", 2)]);
        assert_eq!((bars[1].style.as_str(), bars[1].parts.len()), ("left:58.00%;width:34.00%;height:0.00%", 0));
    }

    #[test]
    fn whiskers_reach_from_low_to_high_above_the_middle_of_their_bar() {
        let chart = Chart::new(Shape::Groups, "Cost", vec!["a".to_owned()])
            .series(Series::new("P50", 1, vec![60]).spread(vec![(40, 100)]));
        assert_eq!(Plot::of(&chart).whiskers(), ["left:50.00%;bottom:40.00%;height:60.00%"]);
    }

    #[test]
    fn the_pointer_finds_the_nearest_label() {
        let lines = chart(Shape::Lines, &[&[1, 2, 3]]);
        assert_eq!([0, 24, 26, 99].map(|x| Plot::of(&lines).at(x, 100)), [Some(0), Some(0), Some(1), Some(2)]);
        let bars = chart(Shape::Bars, &[&[1, 2, 3]]);
        assert_eq!([0, 34, 67, 400].map(|x| Plot::of(&bars).at(x, 100)), [Some(0), Some(1), Some(2), Some(2)]);
        assert_eq!(Plot::of(&bars).at(5, 0), None);
    }

    #[test]
    fn labels_are_thinned_until_they_fit_and_again_on_a_phone() {
        let labels = |n: usize, text: &str| Chart::new(Shape::Bars, "", vec![text.to_owned(); n]);
        let shown = |chart: &Chart| Plot::of(chart).labels().collect::<Vec<_>>();
        assert_eq!(shown(&labels(5, "Mon")).len(), 5);
        let month = shown(&labels(30, "21 Nov"));
        assert_eq!(month.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 5, 10, 15, 20, 25]);
        assert_eq!(month.iter().filter(|(_, wide_only)| *wide_only).count(), 3);
        assert!(shown(&labels(366, "21 Nov")).len() <= 7);
    }

    #[test]
    fn the_shares_of_a_ring_close_it() {
        assert_eq!(arcs(&[1, 1, 1]), [(3333, 0), (3333, 3333), (3334, 6666)]);
        assert_eq!(arcs(&[]), []);
        assert_eq!(arcs(&[0]), [(0, 0)]);
    }

    #[test]
    fn values_of_any_size_are_drawn() {
        let chart = chart(Shape::Lines, &[&[i64::MAX / 8, -5]]);
        let plot = Plot::of(&chart);
        assert!((8_000..=SIDE).contains(&plot.up(i64::MAX / 8)));
        assert_eq!(plot.paths()[0].1.matches('L').count(), 1);
    }
}
