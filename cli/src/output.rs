//! What goes to the terminal.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::error::ErrorKind as UsageKind;
use floe::{Error, ErrorKind, Result, Step};

/// How errors are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    Text,
    Json,
}

impl ErrorFormat {
    /// What the arguments ask for, when they cannot be read as a whole.
    pub(crate) fn of_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let pair = arguments.windows(2).any(|pair| pair == ["--error-format", "json"]);
        let joined = arguments.iter().any(|a| a == "--error-format=json");
        if pair || joined { Self::Json } else { Self::Text }
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Prints to stdout. A reader that went away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{line_end}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, "cannot write to standard output").cause(error))
        }
        _ => Ok(()),
    }
}

/// Prints to stderr.
pub(crate) fn print_error(text: &str) {
    // there is no other place to say that this failed
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub(crate) fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}"))
}

pub(crate) fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Prints an error and gives the exit code for it.
pub(crate) fn failure(error: &Error, format: ErrorFormat) -> ExitCode {
    print_error(&format!("error: {error}"));
    if format == ErrorFormat::Json {
        print_error(&error.to_json().to_string());
    }
    ExitCode::from(if error.kind() == ErrorKind::Config { WRONG_USAGE } else { FAILED })
}

/// Prints help, or what is wrong with the arguments.
pub(crate) fn usage(error: clap::Error, format: ErrorFormat) -> ExitCode {
    let asked = matches!(error.kind(), UsageKind::DisplayHelp | UsageKind::DisplayVersion);
    // help that cannot be printed helps nobody
    let _ = error.print();
    if asked {
        return ExitCode::SUCCESS;
    }
    if format == ErrorFormat::Json {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        print_error(&Error::new(ErrorKind::Config, message).step(Step::Config).to_json().to_string());
    }
    ExitCode::from(WRONG_USAGE)
}

/// Rows of texts in columns, the first row underlined.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|t| t.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    if !lines.is_empty() {
        lines.insert(1, widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("  "));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = [vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), "d".to_owned()]];
        assert_eq!(table(&rows), "a    bb\n---  --\nccc  d");
    }
}
