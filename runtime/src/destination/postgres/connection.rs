//! A connection to a server.
//!
//! The connection lives in a thread of its own, with a runtime of its own: waiting for it is allowed
//! wherever blocking is, and rows are encoded while others are sent.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::Type;
use tokio_postgres::{
    Client, CopyInSink, NoTls, SimpleQueryMessage, Statement, tls::MakeTlsConnect, tls::TlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::credentials::Credentials;
use super::tls;
use crate::error::{Error, ErrorKind, Result, Step};

/// A row of a result as texts.
pub(super) type Row = Vec<Option<String>>;
type Ended = Result<(), tokio_postgres::Error>;

pub(super) struct Connection {
    client: Option<Client>,
    thread: Option<JoinHandle<Ended>>,
}

impl Connection {
    pub(super) fn open(credentials: &Credentials) -> Result<Self> {
        let tls = tls::connector(credentials)?;
        let config = credentials.config.clone();
        let (sender, receiver) = channel();
        let thread =
            thread::Builder::new().name("postgres".to_owned()).spawn(move || serve(config, tls, sender));
        let thread = thread.map_err(|e| Error::internal("cannot start a thread").cause(e))?;
        let gone = |_| Error::internal("the connection ended before it began");
        let client = receiver.recv().map_err(gone)?.map_err(|error| {
            let message = format!("cannot connect to {}", credentials.location());
            let error = Error::new(ErrorKind::Destination, format!("{message}: {}", words(&error)));
            error.help("check the credentials, and that the server runs and can be reached from here")
        })?;
        let connection = Self { client: Some(client), thread: Some(thread) };
        // literals are written in the standard way, and instants mean UTC
        connection.execute("SET standard_conforming_strings = on; SET TimeZone = 'UTC'")?;
        Ok(connection)
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| Error::internal("the connection is closed"))
    }

    /// Runs statements without results.
    pub(super) fn execute(&self, sql: &str) -> Result<()> {
        wait(self.client()?.batch_execute(sql)).map_err(refused)
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(super) fn count(&self, sql: &str) -> Result<u64> {
        let messages = wait(self.client()?.simple_query(sql)).map_err(refused)?;
        let rows = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::CommandComplete(rows) => *rows,
            _ => 0,
        };
        Ok(messages.iter().map(rows).sum())
    }

    /// Runs a query and returns all rows as texts. For small results.
    pub(super) fn query(&self, sql: &str) -> Result<Vec<Row>> {
        let messages = wait(self.client()?.simple_query(sql)).map_err(refused)?;
        let row = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.try_get(at).ok().flatten().map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    /// The types of the columns of a query.
    pub(super) fn types(&self, sql: &str) -> Result<Vec<Type>> {
        let statement = wait(self.client()?.prepare(sql)).map_err(refused)?;
        Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
    }

    /// Prepares a query whose rows are wanted in the binary format.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement> {
        wait(self.client()?.prepare(sql)).map_err(refused)
    }

    /// The rows of a prepared query.
    pub(super) fn rows(&self, statement: &Statement) -> Result<Vec<tokio_postgres::Row>> {
        wait(self.client()?.query(statement, &[])).map_err(refused)
    }

    /// Begins to copy rows into a table.
    pub(super) fn copy(&self, sql: &str) -> Result<CopyInSink<Bytes>> {
        wait(self.client()?.copy_in(sql)).map_err(refused)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // without a client the connection says goodbye and ends
        self.client = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Connected = Result<Client, tokio_postgres::Error>;

/// Connects and serves the connection until its client is dropped.
fn serve(
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    clients: Sender<Connected>,
) -> Ended {
    // without a runtime the sender is dropped, and the other side knows
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Ok(());
    };
    match tls {
        Some(tls) => runtime.block_on(connect(config, tls, clients)),
        None => runtime.block_on(connect(config, NoTls, clients)),
    }
}

async fn connect<T>(config: tokio_postgres::Config, tls: T, clients: Sender<Connected>) -> Ended
where
    T: MakeTlsConnect<tokio_postgres::Socket>,
    T::Stream: AsyncRead + AsyncWrite + Unpin,
    T::TlsConnect: TlsConnect<tokio_postgres::Socket>,
{
    match config.connect(tls).await {
        Ok((client, connection)) => {
            let _ = clients.send(Ok(client));
            connection.await
        }
        Err(error) => {
            let _ = clients.send(Err(error));
            Ok(())
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future of a client. These need no runtime, so that this works on any thread.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// The server's own words.
pub(super) fn refused(error: tokio_postgres::Error) -> Error {
    let mut refused =
        Error::new(ErrorKind::Destination, format!("Postgres: {}", words(&error))).step(Step::Load);
    let Some(db) = error.as_db_error() else { return refused };
    if let Some(table) = db.table() {
        refused = refused.table(table);
    }
    if let Some(column) = db.column().or(copied_column(db)) {
        refused = refused.column(column);
    }
    match db.hint() {
        Some(hint) => refused.help(hint),
        None => refused,
    }
}

fn words(error: &tokio_postgres::Error) -> String {
    let Some(db) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        return format!("{error}{cause}").replace("error connecting to server: ", "");
    };
    let mut text = db.message().to_owned();
    // this one repeats the whole row
    if let Some(detail) = db.detail().filter(|_| *db.code() != SqlState::NOT_NULL_VIOLATION) {
        text.push_str(&format!(" ({detail})"));
    }
    if let Some(place) = copied_place(db) {
        text.push_str(&format!(" ({place})"));
    }
    text
}

/// `COPY items, line 3, column price`, without a value that may stand behind it.
fn copied_place(db: &DbError) -> Option<&str> {
    let place = db.where_()?.lines().find(|line| line.starts_with("COPY "))?;
    Some(place.split(": \"").next().unwrap_or(place))
}

fn copied_column(db: &DbError) -> Option<&str> {
    copied_place(db)?.split_once(", column ").map(|(_, column)| column)
}
