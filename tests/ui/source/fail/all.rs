//! Sources that cannot be.

use floe::prelude::*;

#[source(nam = "hub")]
struct Hub {
    #[secret]
    token: String,
    #[config(defalt = 5)]
    limit: u32,
}

#[source]
struct Tuple(String);

fn main() {}
