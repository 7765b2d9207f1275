//! Chart options, built on the server: charming knows the shapes, the browser gets JSON. Colours are tokens
//! (`--chart-1/85` is that token at 85 %), so both themes read the same option.

use charming::Chart;
use charming::component::{Axis, Grid};
use charming::element::{AreaStyle, AxisLabel, AxisType, LineStyle, Symbol, Tooltip, Trigger};
use charming::series::Line;
use model::dashboard::DayCalls;

/// Labels that fit under the figure.
const LABELS_MAX: usize = 7;

/// One area of the chart: name, colour token, and what it counts of a day.
type Layer = (&'static str, &'static str, fn(&DayCalls) -> i64);

/// Calls per day as a stacked area: what happened, most wanted below.
pub fn calls_per_day(days: &[DayCalls]) -> String {
    let labels: Vec<String> = days.iter().map(|day| day.label.clone()).collect();
    // ECharts counts how many labels to leave out between two.
    let skipped = (days.len().div_ceil(LABELS_MAX)).saturating_sub(1);
    let layers: [Layer; 5] = [
        ("Connected", "--chart-1/85", |d| d.connected),
        ("Voicemail", "--chart-3/55", |d| d.voicemail),
        ("No answer", "--chart-5/55", |d| d.no_answer),
        ("Busy", "--chart-2/85", |d| d.busy),
        ("Failed", "--chart-4/85", |d| d.failed),
    ];
    let mut chart = Chart::new()
        .grid(Grid::new().left(44).right(12).top(16).bottom(26))
        .tooltip(Tooltip::new().trigger(Trigger::Axis))
        .x_axis(
            Axis::new()
                .type_(AxisType::Category)
                .boundary_gap(false)
                .axis_label(AxisLabel::new().interval(skipped as f64))
                .data(labels),
        )
        .y_axis(Axis::new().type_(AxisType::Value).split_number(4).min_interval(1.0));
    for (name, colour, read) in layers {
        chart = chart.series(
            Line::new()
                .name(name)
                .stack("all")
                .symbol(Symbol::None)
                .line_style(LineStyle::new().width(0))
                .area_style(AreaStyle::new().color(colour).opacity(1.0))
                .data(days.iter().map(read).collect::<Vec<_>>()),
        );
    }
    serde_json::to_string(&chart).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::credits::Credits;

    #[test]
    fn the_option_has_five_layers_and_no_code() {
        let day = DayCalls {
            day: "2026-11-23".to_owned(),
            label: "23 Nov".to_owned(),
            connected: 7,
            voicemail: 5,
            no_answer: 4,
            busy: 2,
            failed: 1,
            spent: Credits::ZERO,
            talk_seconds: 0,
        };
        let option: serde_json::Value = serde_json::from_str(&calls_per_day(&vec![day; 30])).expect("JSON");
        let series = option["series"].as_array().expect("series");
        assert_eq!(series.len(), 5);
        assert_eq!(series[0]["areaStyle"]["color"], "--chart-1/85");
        assert_eq!(series[4]["data"][29], 1);
        assert!(!option.to_string().contains("function"));
    }
}
