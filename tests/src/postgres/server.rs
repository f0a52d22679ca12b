//! The server of the tests.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The password of the user.
pub(super) const PASSWORD: &str = "s3cret";
/// Tells the URL of a server that was started for several test processes.
const VARIABLE: &str = "FLOE_TEST_POSTGRES";
/// How the script says that there is no Postgres.
const MISSING: i32 = 3;

/// A private server.
#[derive(Debug)]
pub struct Server {
    url: String,
    /// The script that keeps it. It stops the server when its standard input ends, which it does with
    /// this process.
    _keeper: Option<Child>,
}

impl Server {
    /// The one that all tests of this process share. `None` if there is no Postgres.
    pub fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let server = || match std::env::var(VARIABLE) {
            Ok(url) => (url != "missing").then_some(Self { url, _keeper: None }),
            Err(_) => Self::start(),
        };
        SERVER.get_or_init(server).as_ref()
    }

    fn start() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres.sh");
        let mut command = Command::new("sh");
        command.arg(script).arg(free_port().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().expect("sh starts");
        let mut url = String::new();
        let stdout = keeper.stdout.take().expect("the output is piped");
        BufReader::new(stdout).read_line(&mut url).expect("the script prints text");
        if url.is_empty() {
            let code = keeper.wait().expect("the script ends").code();
            assert_eq!(code, Some(MISSING), "Postgres does not start");
            return None;
        }
        Some(Self { url: url.trim_end().to_owned(), _keeper: Some(keeper) })
    }

    /// The URL of its first database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder with its files.
    pub(super) fn folder(&self) -> PathBuf {
        self.option("host").into()
    }

    pub(super) fn port(&self) -> &str {
        self.option("port")
    }

    fn option(&self, name: &str) -> &str {
        let (_, options) = self.url.split_once('?').expect("the URL has options");
        let options = options.split('&').filter_map(|option| option.split_once('='));
        options.into_iter().find(|(key, _)| *key == name).expect("the URL has the option").1
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}
