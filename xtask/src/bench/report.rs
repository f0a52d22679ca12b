//! What is wanted, and whether it is so.

use super::contender::Contender;
use super::measure::Usage;

/// A bound.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(bound) => format!("≤ {bound}{unit}"),
            Self::AtLeast(bound) => format!("≥ {bound}{unit}"),
        }
    }
}

/// A figure with a target.
#[derive(Debug)]
pub(crate) struct Judged {
    /// What was measured.
    pub(crate) what: String,
    /// On which data.
    pub(crate) data: String,
    pub(crate) value: f64,
    /// Of the value and the target.
    pub(crate) unit: &'static str,
    pub(crate) target: Target,
}

impl Judged {
    pub(crate) fn is_met(&self) -> bool {
        self.target.is_met(self.value)
    }
}

/// The medians of a contender.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) data: String,
    pub(crate) who: Contender,
    pub(crate) runs: usize,
    pub(crate) usage: Usage,
}

/// All that came out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) measured: Vec<Measured>,
    pub(crate) judged: Vec<Judged>,
}

impl Report {
    pub(crate) fn extend(&mut self, other: Self) {
        self.measured.extend(other.measured);
        self.judged.extend(other.judged);
    }

    /// The targets that are missed.
    pub(crate) fn missed(&self) -> usize {
        self.judged.iter().filter(|judged| !judged.is_met()).count()
    }

    /// Two tables in Markdown: figures, and what they say.
    pub(crate) fn to_markdown(&self) -> String {
        let mut figures = vec![row(["data", "loaded by", "runs", "wall", "CPU", "peak memory"])];
        figures.extend(self.measured.iter().map(|m| {
            let Usage { wall, cpu, memory } = m.usage;
            let memory = format!("{:.0} MB", megabytes(memory));
            row([&m.data, m.who.name(), &m.runs.to_string(), &seconds(wall), &seconds(cpu), &memory])
        }));
        let mut verdicts = vec![row(["target", "data", "measured", "wanted", "met"])];
        verdicts.extend(self.judged.iter().map(|j| {
            let value = format!("{:.*}{}", if j.value < 10.0 { 2 } else { 0 }, j.value, j.unit);
            row([&j.what, &j.data, &value, &j.target.text(j.unit), if j.is_met() { "yes" } else { "**no**" }])
        }));
        format!("{}\n{}", markdown(&figures), markdown(&verdicts))
    }
}

/// Megabytes of a million bytes.
pub(crate) fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// A table whose first row is the head.
fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
        if at == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text.push_str(&format!("| {} |\n", rules.join(" | ")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_shows_figures_and_verdicts() {
        let usage = Usage { wall: 1.234, cpu: 2.0, memory: 300e6 };
        let data = "issues, 10 rows".to_owned();
        let judged = |value, target| Judged {
            what: "wall".to_owned(),
            data: "issues".to_owned(),
            value,
            unit: "×",
            target,
        };
        let report = Report {
            measured: vec![Measured { data, who: Contender::Floe, runs: 5, usage }],
            judged: vec![judged(1.5, Target::AtMost(1.5)), judged(7.99, Target::AtLeast(8.0))],
        };
        assert_eq!(report.missed(), 1);
        let wanted = "\
| data            | loaded by | runs | wall   | CPU    | peak memory |
| --------------- | --------- | ---- | ------ | ------ | ----------- |
| issues, 10 rows | floe      | 5    | 1.23 s | 2.00 s | 300 MB      |

| target | data   | measured | wanted | met    |
| ------ | ------ | -------- | ------ | ------ |
| wall   | issues | 1.50×    | ≤ 1.5× | yes    |
| wall   | issues | 7.99×    | ≥ 8×   | **no** |
";
        assert_eq!(report.to_markdown(), wanted);
    }
}
