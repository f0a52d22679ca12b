//! Running other programs.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::Result;

/// What a program printed and whether it was content.
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The command as one would type it, without what a shell would need for odd characters.
pub(crate) fn text(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs a program that prints for itself; its failure is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = text(command);
    let status = command.status().map_err(|e| format!("cannot run `{shown}`: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})").into()) }
}

/// Runs a program and keeps what it prints.
pub(crate) fn capture(command: &mut Command) -> Result<Printed> {
    let shown = text(command);
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("cannot run `{shown}`: {e}"))?;
    Ok(Printed {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Whether a program is there and says so.
pub(crate) fn answers(command: &mut Command) -> bool {
    capture(command).is_ok_and(|printed| printed.code == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_the_command() {
        let error = run(Command::new("no-such-program").arg("--now")).unwrap_err().to_string();
        assert!(error.starts_with("cannot run `no-such-program --now`: "), "{error}");
        assert!(!answers(&mut Command::new("no-such-program")));
    }
}
