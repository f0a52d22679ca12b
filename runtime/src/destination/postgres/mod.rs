//! Postgres.

mod connection;
mod copy;
mod credentials;
mod dataset;
mod dialect;
mod numeric;
mod read;
mod text;
mod tls;
mod values;

use tokio_postgres::Config;

use self::connection::Connection;
use self::credentials::Credentials;
use self::dataset::PostgresDataset;
use super::{Capabilities, Dataset, Destination};
use crate::error::{Result, Step};

/// A Postgres database.
///
/// Rows are copied in the binary format, and everything of a package becomes visible in one
/// transaction. Pipelines that load into the same dataset at the same time take turns.
///
/// ```
/// use floe::{Destination, Postgres};
/// let postgres = Postgres::url("postgresql://ada:secret@db.example/shop?sslmode=verify-full")?;
/// assert_eq!(postgres.location(), "postgresql://ada@db.example/shop");
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Postgres {
    credentials: Credentials,
    indexes: bool,
}

impl Postgres {
    /// The database of a URL, `postgresql://user:password@host:port/database`. The name of a folder
    /// as `host=/path` behind a question mark means the Unix socket in it.
    ///
    /// `sslmode` has the meaning that it has in other clients: `disable`, `prefer` (the default),
    /// `require`, `verify-ca` and `verify-full`; only the last two make sure who the server is.
    /// `sslrootcert` names a file with the certificates of authorities, which are those of the system
    /// by default.
    ///
    /// ```
    /// use floe::{Destination, Postgres};
    /// let local = Postgres::url("postgresql://ada@/shop?host=/run/postgresql")?;
    /// assert_eq!(local.location(), "postgresql://ada@/shop?host=/run/postgresql");
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn url(url: &str) -> Result<Self> {
        Ok(Self { credentials: Credentials::parse(url)?, indexes: true })
    }

    /// A database on a host. A host that begins with `/` is the folder of a Unix socket.
    ///
    /// ```
    /// use floe::{Destination, Postgres};
    /// let postgres = Postgres::database("db.example", "shop").port(5433).user("ada").password("secret");
    /// assert_eq!(postgres.location(), "postgresql://ada@db.example:5433/shop");
    /// assert!(!format!("{postgres:?}").contains("secret"));
    /// ```
    pub fn database(host: &str, name: &str) -> Self {
        let mut config = Config::new();
        config.host(host).dbname(name);
        Self { credentials: Credentials::new(config), indexes: true }
    }

    /// The port, 5432 by default.
    pub fn port(mut self, port: u16) -> Self {
        self.credentials.config.port(port);
        self
    }

    /// The user; the one of the operating system by default.
    pub fn user(mut self, user: &str) -> Self {
        self.credentials.config.user(user);
        self
    }

    /// The password of the user.
    pub fn password(mut self, password: &str) -> Self {
        self.credentials.config.password(password);
        self
    }

    /// Whether columns that are unique get an index that keeps them so, as dlt has it. That is each
    /// `_dlt_id`; without the indexes loading is faster.
    pub fn indexes(mut self, indexes: bool) -> Self {
        self.indexes = indexes;
        self
    }
}

/// What a Postgres database can hold and do.
fn capabilities() -> Capabilities {
    Capabilities { wei_precision: (156, 78), max_identifier_length: 63, ..Capabilities::default() }
}

impl Destination for Postgres {
    fn dlt_type(&self) -> &'static str {
        "dlt.destinations.postgres"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn location(&self) -> String {
        self.credentials.location()
    }

    fn open(&self, dataset: &str) -> Result<Box<dyn Dataset>> {
        let connection = Connection::open(&self.credentials).map_err(|e| e.step(Step::Sync))?;
        Ok(Box::new(PostgresDataset::new(connection, dataset, self.indexes)))
    }
}
