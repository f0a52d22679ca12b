//! The Postgres server that all tests share.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::{Result, build};

/// How the script says that there is no Postgres.
const MISSING: i32 = 3;

/// A private server, which stops when this is dropped, or when this process ends.
pub(crate) struct Server {
    pub(crate) url: String,
    keeper: Child,
}

impl Server {
    /// Starts one. `None` if there is no Postgres.
    pub(crate) fn start() -> Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let script = build::root().join("tests/postgres.sh");
        let mut command = Command::new("sh");
        command.arg(script).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().map_err(|e| format!("cannot run sh: {e}"))?;
        let mut url = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut url)?;
        }
        if !url.is_empty() {
            return Ok(Some(Self { url: url.trim_end().to_owned(), keeper }));
        }
        match keeper.wait()?.code() {
            Some(MISSING) => Ok(None),
            _ => Err("Postgres does not start".into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // the end of its input tells the script to stop the server
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
