//! Every destination does what destinations have to do.

use floe_tests::fixtures::{DuckDbFixture, MemoryFixture};

floe::destination_suite!(memory, MemoryFixture::default());
floe::destination_suite!(duckdb, DuckDbFixture::default());
