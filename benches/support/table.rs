//! One row per claim: what was asked, what the machine could give, what it gave.

use super::percentile;

/// What is asked of a row.
pub enum Asked {
    /// At least this much.
    AtLeast(f64),
    /// At most this much.
    AtMost(f64),
    /// At least this share of the limit.
    Share(f64),
    /// Nothing; the row is there to be read.
    Nothing,
}

/// A limit measured in the same run, and its words.
pub type Limit<'a> = Option<(&'a str, f64)>;

/// A table that grows as the bench runs and is printed at its end.
pub struct Table {
    title: String,
    rows: Vec<[String; 6]>,
    met: bool,
}

impl Table {
    /// A table without rows.
    pub fn new(title: &str) -> Self {
        println!("# {title}");
        Self { title: title.to_owned(), rows: Vec::new(), met: true }
    }

    /// Adds a row and prints it at once, for whoever waits.
    pub fn row(&mut self, what: &str, limit: Limit<'_>, got: f64, unit: &str, asked: &Asked) {
        let ratio = limit.map(|(_, limit)| got / limit);
        let ratio_text = ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
        self.add(what, limit, got, unit, asked, (ratio, ratio_text));
    }

    /// A row of several rounds, each a limit and what was got under it: the median ratio counts, and
    /// how far the ratios lie apart says how much to trust it.
    pub fn shares(&mut self, what: &str, name: &str, rounds: &[(f64, f64)], unit: &str, asked: &Asked) {
        let sorted = |of: &dyn Fn(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let ratios = sorted(&|(limit, got)| got / limit);
        let (Some(least), Some(most)) = (ratios.first(), ratios.last()) else { return };
        let ratio = percentile(&ratios, 50);
        let text = format!("{ratio:.3} ({least:.3} to {most:.3}, {} rounds)", ratios.len());
        let (limit, got) =
            (percentile(&sorted(&|round| round.0), 50), percentile(&sorted(&|round| round.1), 50));
        self.add(what, Some((name, limit)), got, unit, asked, (Some(ratio), text));
    }

    fn add(
        &mut self,
        what: &str,
        limit: Limit<'_>,
        got: f64,
        unit: &str,
        asked: &Asked,
        (ratio, ratio_text): (Option<f64>, String),
    ) {
        let (asked_text, met) = match asked {
            Asked::AtLeast(least) => (format!("≥ {}", number(*least)), Some(got >= *least)),
            Asked::AtMost(most) => (format!("≤ {}", number(*most)), Some(got <= *most)),
            Asked::Share(share) => (format!("≥ {share:.2} of limit"), ratio.map(|ratio| ratio >= *share)),
            Asked::Nothing => (String::new(), None),
        };
        let limit_text = limit.map_or_else(String::new, |(name, limit)| format!("{name} {}", number(limit)));
        let met_text = match met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        self.met &= met.unwrap_or(true);
        let row = [
            what.to_owned(),
            limit_text,
            format!("{} {unit}", number(got)),
            ratio_text,
            asked_text,
            met_text.to_owned(),
        ];
        println!("  {}", row.iter().filter(|cell| !cell.is_empty()).cloned().collect::<Vec<_>>().join(" · "));
        self.rows.push(row);
    }

    /// A row that only says a figure.
    pub fn note(&mut self, what: &str, got: f64, unit: &str) {
        self.row(what, None, got, unit, &Asked::Nothing);
    }

    /// Prints the table as Markdown.
    pub fn print(&self) {
        let head = ["what", "limit, same run", "got", "ratio", "asked", "met?"].map(str::to_owned);
        let rows: Vec<&[String; 6]> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        println!("\n## {}\n", self.title);
        for (position, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if position == 0 {
                let rule = widths.iter().map(|width| "-".repeat(*width));
                println!("| {} |", rule.collect::<Vec<_>>().join(" | "));
            }
        }
        println!(
            "\n{}",
            if self.met { "all that was asked is met" } else { "NOT all that was asked is met" }
        );
    }
}

/// Three or more digits that mean something, thousands apart.
pub fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        let text = format!("{value:.3}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
