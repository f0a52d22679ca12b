//! Postgres databases for tests.

mod client;
mod dataset;
mod server;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Dataset;
pub use client::{Client, Row};
pub use server::Server;

/// A new database on the server of the tests.
#[derive(Debug)]
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// Creates one. `None`, with a word about it, where there is no Postgres.
    pub fn new() -> Option<Self> {
        let Some(server) = Server::shared() else {
            println!("skipped: there is no Postgres here");
            return None;
        };
        let name = new_name();
        let created = Client::connect(server.url()).query(&format!("CREATE DATABASE {name}"));
        created.expect("databases can be created");
        Some(Self { server, name })
    }

    /// A new one with the same content. Nobody may use this one.
    pub fn copy(&self) -> Self {
        let (server, name) = (self.server, new_name());
        let client = Client::connect(server.url());
        let sql = format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY file_copy", self.name);
        // a connection that was closed takes a moment to end
        let mut tries = 0;
        while let Err(error) = client.query(&sql) {
            tries += 1;
            assert!(tries < 100, "{error:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Self { server, name }
    }

    /// Its URL, with the Unix socket.
    pub fn url(&self) -> String {
        self.server.url().replace("/postgres?", &format!("/{}?", self.name))
    }

    /// Its URL on the network of this machine, with the password.
    pub fn network_url(&self) -> String {
        format!("postgresql://floe:{}@localhost:{}/{}", server::PASSWORD, self.server.port(), self.name)
    }

    /// The certificate of the server, if it has one.
    pub fn certificate(&self) -> Option<std::path::PathBuf> {
        Some(self.server.folder().join("server.crt")).filter(|file| file.exists())
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(&self.url())
    }

    /// Runs statements and returns the rows of all of them as texts.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Row> {
        self.connect().query(sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"))
    }

    /// Reads a dataset, which is empty if it does not exist. Types have the names that DuckDB has for
    /// them.
    pub fn dataset(&self, name: &str) -> Dataset {
        dataset::read(&self.connect(), name)
    }
}

fn new_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Drop for Database {
    fn drop(&mut self) {
        // a server that is not there any more has no database either
        let _ =
            Client::connect(self.server.url()).query(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
