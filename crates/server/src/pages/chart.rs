//! Charts as SVG: shapes and numbers only, no style of their own, no script.
//! Invariant: every chart stands beside a table that says the same; coordinates are integers.
//! Limits: 400 points; of more, every n-th and the last are drawn.

pub mod lying;

use std::fmt::Write as _;

use super::group;

/// Points that are drawn at most.
pub const POINTS_MAX: usize = 400;
const WIDTH: u64 = 720;
const HEIGHT: u64 = 220;
const LEFT: u64 = 100;
const RIGHT: u64 = 12;
const TOP: u64 = 14;
const BOTTOM: u64 = 30;

/// One moment of a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Entry.
    pub index: u64,
    /// Limit after it, NT$.
    pub limit: u64,
    /// What could still be drawn after it, NT$.
    pub available: u64,
}

/// The quota of a guarantee, as step lines from entry to entry. `title` is text of ours.
pub fn quota(points: &[Point], title: &str) -> String {
    let stride = points.len().div_ceil(POINTS_MAX).max(1);
    let mut shown: Vec<Point> = points.iter().copied().step_by(stride).collect();
    if let Some(last) = points.last().filter(|last| shown.last() != Some(last)) {
        shown.push(*last);
    }
    let most = shown.iter().map(|point| point.limit.max(point.available)).max().unwrap_or(0).max(1);
    let top = round_up(most);
    let mut svg = open(title);
    for quarter in 0..=4 {
        let value = top / 4 * quarter;
        let y = y_of(value, top);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/><text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8,
            y + 4,
            group(value)
        );
    }
    step_line(&mut svg, "limit", &shown, |point| point.limit, top);
    step_line(&mut svg, "available", &shown, |point| point.available, top);
    if let (Some(first), Some(last)) = (shown.first(), shown.last()) {
        let y = HEIGHT - 8;
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{LEFT}\" y=\"{y}\">#{}</text><text class=\"tick\" x=\"{}\" y=\"{y}\" text-anchor=\"end\">#{}</text>",
            first.index,
            WIDTH - RIGHT,
            last.index
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Bars, one for each label.
pub fn bars(values: &[(String, u64)], title: &str) -> String {
    let top = round_up(values.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1));
    let mut svg = open(title);
    let count = values.len().max(1) as u64;
    let slot = (WIDTH - LEFT - RIGHT) / count;
    for (at, (label, value)) in (0..).zip(values) {
        let (x, y) = (LEFT + at * slot, y_of(*value, top));
        let (width, height) = ((slot * 7 / 10).clamp(1, 48), (HEIGHT - BOTTOM).saturating_sub(y));
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{}: {}</title></rect>",
            plain(label),
            group(*value)
        );
    }
    if let (Some((first, _)), Some((last, _))) = (values.first(), values.last()) {
        let y = HEIGHT - 8;
        let _ = write!(svg, "<text class=\"tick\" x=\"{LEFT}\" y=\"{y}\">{}</text>", plain(first));
        if values.len() > 1 {
            let x = WIDTH - RIGHT;
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
                plain(last)
            );
        }
    }
    let _ = write!(
        svg,
        "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text></svg>",
        LEFT - 8,
        TOP + 4,
        group(top)
    );
    svg
}

fn open(title: &str) -> String {
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>",
        plain(title)
    )
}

fn step_line(svg: &mut String, class: &str, points: &[Point], value: impl Fn(&Point) -> u64, top: u64) {
    let last = points.len().saturating_sub(1).max(1) as u64;
    let span = WIDTH - LEFT - RIGHT;
    let mut path = String::new();
    for (at, point) in (0..).zip(points) {
        let (x, y) = (LEFT + span * at / last, y_of(value(point), top));
        if at == 0 {
            let _ = write!(path, "M{x} {y}");
        } else {
            let _ = write!(path, "H{x}V{y}");
        }
    }
    if points.len() == 1 {
        let _ = write!(path, "H{}", WIDTH - RIGHT);
    }
    let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
}

fn y_of(value: u64, top: u64) -> u64 {
    let height = u128::from(HEIGHT - TOP - BOTTOM);
    let up = u128::from(value.min(top)) * height / u128::from(top.max(1));
    HEIGHT - BOTTOM - u64::try_from(up).unwrap_or(0)
}

/// The next number of the form 4 × 10^n, 8 × 10^n, 20 × 10^n …, so that quarters are round.
fn round_up(value: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [4, 8, 12, 20, 24, 32] {
            let top = unit.saturating_mul(factor);
            if top >= value {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Text for SVG: markup characters become references.
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(index: u64, available: u64) -> Point {
        Point { index, limit: 5_000_000, available }
    }

    #[test]
    fn a_quota_that_is_half_used_is_drawn_half_way_down() {
        let svg = quota(&[point(1, 8_000_000), point(2, 4_000_000), point(3, 0)], "t");
        let line = svg.split("class=\"available\" d=\"").nth(1).unwrap();
        let middle = (TOP + HEIGHT - BOTTOM) / 2;
        assert!(line.starts_with(&format!("M{LEFT} {TOP}H")), "{line}");
        assert!(line.contains(&format!("V{middle}")), "{line}");
        assert!(line.contains(&format!("V{}\"", HEIGHT - BOTTOM)), "{line}");
    }

    #[test]
    fn long_histories_are_thinned_and_keep_their_last_moment() {
        let points: Vec<Point> = (0..10_001).map(|index| point(index, index)).collect();
        let svg = quota(&points, "t");
        assert!(svg.matches('H').count() < 2 * (POINTS_MAX + 2));
        assert!(svg.contains("#10000</text>"));
    }

    #[test]
    fn no_title_can_close_the_picture() {
        let svg = bars(&[("</svg><script>".to_owned(), 3)], "\"><script>");
        assert!(!svg.contains("<script>"));
    }
}
