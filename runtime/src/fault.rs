//! Places where a run can be made to end, so that tests can see what the next run makes of it.
//!
//! There is one before and one after every action that lasts. With the feature `testing`, a process
//! with `FLOE_FAULT=before-commit:2` kills itself when it is about to commit for the second time, and
//! one with `FLOE_FAULTS_LIST=1` names each place that it passes on standard error. Without the
//! feature there is nothing of it.

/// An action that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The content of a part is made to last.
    SyncPart,
    /// The content of another file is made to last.
    SyncFile,
    /// A file takes the place of the one before it.
    RenameFile,
    /// A package goes from one stage to another.
    RenameFolder,
    /// What is left of a package is removed.
    RemovePackage,
    /// State and schema of the pipeline are written.
    WriteState,
    /// A transaction begins.
    Begin,
    /// Tables are dropped.
    Drop,
    /// Tables are made and altered.
    Migrate,
    /// Tables lose their rows.
    Empty,
    /// Twins of tables are made.
    Stage,
    /// Rows are written to a table.
    Append,
    /// Staged rows are merged.
    Merge,
    /// Rejected items that are loaded leave their table.
    RemoveRejected,
    /// Everything becomes visible.
    Commit,
}

/// Does something that lasts.
#[inline(always)]
pub(crate) fn around<T, E>(action: Action, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    reach("before", action);
    let done = act()?;
    reach("after", action);
    Ok(done)
}

#[cfg(not(feature = "testing"))]
#[inline(always)]
fn reach(_when: &str, _action: Action) {}

#[cfg(feature = "testing")]
pub(crate) use testing::names;
#[cfg(feature = "testing")]
use testing::reach;

#[cfg(feature = "testing")]
mod testing {
    use std::io::Write;
    use std::process::Command;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Action;

    const ACTIONS: [(Action, &str); 15] = [
        (Action::SyncPart, "sync-part"),
        (Action::SyncFile, "sync-file"),
        (Action::RenameFile, "rename-file"),
        (Action::RenameFolder, "rename-folder"),
        (Action::RemovePackage, "remove-package"),
        (Action::WriteState, "write-state"),
        (Action::Begin, "begin"),
        (Action::Drop, "drop"),
        (Action::Migrate, "migrate"),
        (Action::Empty, "empty"),
        (Action::Stage, "stage"),
        (Action::Append, "append"),
        (Action::Merge, "merge"),
        (Action::RemoveRejected, "remove-rejected"),
        (Action::Commit, "commit"),
    ];

    /// How often the place that ends the run was passed.
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// The names of all places.
    pub(crate) fn names() -> Vec<String> {
        ACTIONS
            .iter()
            .flat_map(|(_, name)| ["before", "after"].map(|when| format!("{when}-{name}")))
            .collect()
    }

    pub(super) fn reach(when: &str, action: Action) {
        let name = ACTIONS.iter().find(|(known, _)| *known == action).map_or("", |(_, name)| name);
        let place = format!("{when}-{name}");
        if std::env::var_os("FLOE_FAULTS_LIST").is_some() {
            // whoever listens hears it
            let _ = writeln!(std::io::stderr(), "fault point {place}");
        }
        let Ok(wanted) = std::env::var("FLOE_FAULT") else { return };
        let (wanted, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        if wanted == place {
            let passed = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
            if times.parse() == Ok(passed) {
                die();
            }
        }
    }

    /// Ends the process at once: nothing is dropped, flushed or caught.
    fn die() -> ! {
        let id = std::process::id().to_string();
        let killed = Command::new("kill").args(["-KILL", &id]).status();
        // only a system without signals comes here
        drop(killed);
        std::process::abort()
    }
}
