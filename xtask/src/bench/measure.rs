//! What a program costs.

use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

use crate::{Result, shell};

/// Time and memory of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// Seconds of processors, of all threads and of children that the program waited for.
    pub(crate) cpu: f64,
    /// The most memory at one time, in bytes; of several processes, that of the largest.
    pub(crate) memory: f64,
}

/// Runs a program to its end; gives what it printed, too.
pub(crate) fn measure(command: &mut Command) -> Result<(Usage, String)> {
    let shown = shell::text(command);
    // a file takes everything, while a pipe that nobody reads would stop the program
    let mut errors = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.try_clone()?);
    let start = Instant::now();
    let mut child = command.spawn().map_err(|e| format!("cannot run `{shown}`: {e}"))?;
    let mut stdout = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut stdout)?;
    }
    let end = child.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    if !end.status.success() {
        let mut text = String::new();
        errors.rewind()?;
        errors.read_to_string(&mut text)?;
        return Err(format!("`{shown}` failed ({}):\n{}", end.status, text.trim()).into());
    }
    let cpu = (end.rusage.utime + end.rusage.stime).as_secs_f64();
    Ok((Usage { wall, cpu, memory: end.rusage.maxrss as f64 }, stdout))
}

/// The medians of several runs, each figure by itself.
pub(crate) fn medians(usages: &[Usage]) -> Option<Usage> {
    Some(Usage {
        wall: median(usages.iter().map(|usage| usage.wall))?,
        cpu: median(usages.iter().map(|usage| usage.cpu))?,
        memory: median(usages.iter().map(|usage| usage.memory))?,
    })
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 9.0].into_iter()), Some(3.0));
        assert_eq!(median([4.0, 1.0, 2.0, 9.0].into_iter()), Some(3.0));
        assert_eq!(median([].into_iter()), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_program_is_measured() {
        let (usage, printed) = measure(Command::new("sh").args(["-c", "echo hello; sleep 0.1"])).unwrap();
        assert_eq!(printed, "hello\n");
        assert!(usage.wall >= 0.1 && usage.cpu < usage.wall && usage.memory > 10_000.0, "{usage:?}");
        let error = measure(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.ends_with("no") && error.contains("exit status: 3"), "{error}");
    }
}
