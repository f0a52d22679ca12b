//! A table with a contract: the compiler compares it with `contracts/frozen.contract`.

use floe::prelude::*;

/// Something that has a price.
#[derive(Debug, Clone, Table)]
#[table(name = "frozen", primary_key = "id", contract)]
pub struct Frozen {
    /// Tells it apart.
    pub id: i64,
    /// What it costs.
    pub price: Option<Decimal<12, 2>>,
    /// What it is called.
    pub tags: Vec<String>,
}
