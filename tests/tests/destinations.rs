//! Every destination does what destinations have to do.

use floe_tests::fixtures::{DuckDbFixture, MemoryFixture, PostgresFixture};

floe::destination_suite!(memory, MemoryFixture::default());
floe::destination_suite!(duckdb, DuckDbFixture::default());

/// The same, but there need not be a Postgres.
mod postgres {
    use super::PostgresFixture;

    macro_rules! tests {
        ([] $($check:ident)*) => {
            $(
                #[test]
                fn $check() {
                    let Some(fixture) = PostgresFixture::new() else { return };
                    if let Err(error) = floe::testing::check(stringify!($check), &fixture) {
                        panic!("{error}");
                    }
                }
            )*
        };
    }
    floe::for_each_destination_check!(tests,);
}
