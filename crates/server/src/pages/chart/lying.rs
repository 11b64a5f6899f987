//! Lying bars, each under its name and its number in words: nothing is told by colour alone, and the
//! picture is narrow enough for a telephone.
//! Invariant: coordinates are integers within the picture whatever the numbers are.
//! Limits: 40 rows; the table beside the picture has all.

use std::fmt::Write as _;

use super::plain;

/// Rows that are drawn at most.
pub const ROWS_MAX: usize = 40;
const WIDTH: u64 = 480;
/// Where bars begin, and where the longest ends.
const START: u64 = 4;
const END: u64 = 476;
/// A line of words, and the bar below it.
const ROW: u64 = 42;
const WORDS: u64 = 16;
const GAP: u64 = 6;
const BAR: u64 = 13;
/// Room for the labels of marks, and without any.
const HEAD: u64 = 20;
const BARE: u64 = 2;
const FOOT: u64 = 6;
/// Characters of a label, and of what it says, so that both stay within the picture.
const LABEL_MAX: usize = 24;
const SAYS_MAX: usize = 40;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// Where its bar begins.
    pub from: u64,
    /// How long the bar is.
    pub length: u64,
    /// What it says, in words.
    pub says: String,
    /// `pass`, `wait`, `fail` or `done`, for the stylesheet.
    pub class: &'static str,
}

/// A line down all rows, with what stands above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub at: u64,
    /// What stands above it; may be empty.
    pub label: String,
}

/// The rows, drawn over numbers from 0 to `top`; longer bars are cut there.
pub fn rows(rows: &[Row], marks: &[Mark], top: u64, title: &str) -> String {
    let shown = &rows[..rows.len().min(ROWS_MAX)];
    let head = if marks.iter().any(|mark| !mark.label.is_empty()) { HEAD } else { BARE };
    let height = head + ROW * shown.len() as u64 + FOOT;
    let mut svg = format!(
        "<svg class=\"chart lying\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>",
        plain(title)
    );
    for mark in marks.iter().filter(|mark| !mark.label.is_empty()) {
        let (x, y, label) = (x_of(mark.at, top), HEAD - 6, plain(&mark.label));
        let _ = write!(svg, "<text class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>");
    }
    for (at, row) in (0..).zip(shown) {
        draw(&mut svg, row, head + ROW * at, marks, top);
    }
    svg.push_str("</svg>");
    svg
}

/// One row, `y` being its upper edge: words, then the bar over its track, then the lines across it.
fn draw(svg: &mut String, row: &Row, y: u64, marks: &[Mark], top: u64) {
    let (left, right) = (x_of(row.from, top), x_of(row.from.saturating_add(row.length), top));
    let (words, bar) = (y + WORDS, y + WORDS + GAP);
    let (label, says) = (plain(&clipped(&row.label, LABEL_MAX)), plain(&clipped(&row.says, SAYS_MAX)));
    let _ = write!(
        svg,
        "<text class=\"label\" x=\"{START}\" y=\"{words}\">{label}</text><text class=\"label\" x=\"{END}\" y=\"{words}\" text-anchor=\"end\">{says}</text><rect class=\"track\" x=\"{START}\" y=\"{bar}\" width=\"{}\" height=\"{BAR}\"/>",
        END - START
    );
    if row.length > 0 {
        // Whatever there is is seen, however little it is.
        let (class, width) = (row.class, (right - left).max(2));
        let _ = write!(
            svg,
            "<rect class=\"bar {class}\" x=\"{left}\" y=\"{bar}\" width=\"{width}\" height=\"{BAR}\"/>"
        );
    }
    for mark in marks {
        let x = x_of(mark.at, top);
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\"/>",
            bar - 3,
            bar + BAR + 3
        );
    }
}

fn x_of(value: u64, top: u64) -> u64 {
    let span = u128::from(END - START);
    let along = u128::from(value.min(top)) * span / u128::from(top.max(1));
    START + u64::try_from(along).unwrap_or(0)
}

fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a bar stands below the beginning of its row.
    const BELOW: u64 = WORDS + GAP;

    fn row(from: u64, length: u64) -> Row {
        Row { label: "L".to_owned(), from, length, says: "S".to_owned(), class: "pass" }
    }

    #[test]
    fn a_bar_begins_where_the_one_before_it_ended_and_none_leaves_the_picture() {
        let svg = rows(&[row(0, 5), row(5, 5), row(10, u64::MAX)], &[], 10, "t");
        let middle = u64::midpoint(START, END);
        let half = middle - START;
        assert!(svg.contains(&format!("x=\"{START}\" y=\"{}\" width=\"{half}\"", BARE + BELOW)), "{svg}");
        assert!(
            svg.contains(&format!("x=\"{middle}\" y=\"{}\" width=\"{half}\"", BARE + ROW + BELOW)),
            "{svg}"
        );
        assert!(svg.contains(&format!("x=\"{END}\" y=\"{}\" width=\"2\"", BARE + 2 * ROW + BELOW)), "{svg}");
    }

    #[test]
    fn a_row_without_anything_has_words_and_no_bar() {
        let svg = rows(&[row(3, 0)], &[], 10, "t");
        assert!(svg.contains(">S</text>") && !svg.contains("class=\"bar"), "{svg}");
    }

    #[test]
    fn no_label_becomes_markup_and_a_long_one_is_cut() {
        let hostile = Row { label: "<script>".repeat(9), says: "</svg><script>".to_owned(), ..row(0, 1) };
        let mark = Mark { at: 1, label: "</svg><script>".to_owned() };
        let svg = rows(&[hostile], &[mark], 1, "\"><script>");
        assert!(!svg.contains("<script>") && svg.contains('…'), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1);
    }

    #[test]
    fn more_rows_than_fit_are_left_to_the_table() {
        let svg = rows(&vec![row(0, 1); ROWS_MAX + 5], &[], 1, "t");
        assert_eq!(svg.matches("class=\"bar").count(), ROWS_MAX);
    }
}
