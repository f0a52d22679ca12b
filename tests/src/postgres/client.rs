//! A connection for tests.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Error, NoTls, SimpleQueryMessage};

/// A row as texts.
pub type Row = Vec<Option<String>>;

/// A connection.
#[derive(Debug)]
pub struct Client {
    client: tokio_postgres::Client,
    runtime: Runtime,
}

impl Client {
    /// Connects.
    #[track_caller]
    pub fn connect(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connected = runtime.block_on(tokio_postgres::connect(url, NoTls));
        let (client, connection) = connected.unwrap_or_else(|e| panic!("{url}: {e:?}"));
        runtime.spawn(connection);
        Self { client, runtime }
    }

    /// Runs statements and returns the rows of all of them.
    pub fn query(&self, sql: &str) -> Result<Vec<Row>, Error> {
        let messages = self.runtime.block_on(self.client.simple_query(sql))?;
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(messages.iter().filter_map(row).collect())
    }
}
