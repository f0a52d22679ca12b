//! The macros of floe. They are re-exported by the crate `floe`, which their expansions name.
//!
//! An expansion says what a type is and how a value of it is written, and nothing else: each macro reads
//! (`ast`), checks everything it can (`check`), and prints (`expand`). Errors are collected, so
//! that one build shows all of them.

mod attributes;
mod errors;
mod resource;
mod serde;
mod source;
mod table;

use proc_macro::TokenStream;

/// Makes a struct a table, a newtype or an enum a field of one.
///
/// See the trait `floe::Table` for an example. At the struct, `#[table(...)]` takes `name`, `resource`, `primary_key`,
/// `merge_key`, `write`, `strategy`, `cursor`, `contract`, `max_nesting` and `description`; tables that keep versions
/// of rows (`strategy = scd2`) take `validity("from", "to")`, `active_record_timestamp` and `boundary_timestamp`.
///
/// At a field it takes
///
/// - hints: `primary_key`, `merge_key`, `unique`, `cursor`, `hard_delete`, `dedup_sort = asc`, `sort`, `cluster`, `partition`;
/// - what the column is: `precision`, `scale`, `timezone = false`, `description`, `json` (one column, whatever is inside);
/// - `was("old_name")`: the column of the dataset is renamed, and cursors go on under the new name;
/// - `pii = hash`, `mask` or `drop`: the value is hidden before it is written anywhere;
/// - `entries`: the entries of a map are rows of a table below, with `key` and `value`;
/// - `recursive`: the type contains the one that it is in.
///
/// Of serde, `rename`, `rename_all`, `alias`, `default`, `skip`, `flatten` and `tag` are respected.
#[proc_macro_derive(Table, attributes(table, serde))]
pub fn derive_table(input: TokenStream) -> TokenStream {
    table::derive(syn::parse_macro_input!(input)).into()
}

/// Makes a function a resource: what it gives are the items.
///
/// ```text
/// #[resource(table = Issue, write = merge, primary_key = "id", cursor = "updated_at")]
/// async fn issues(github: &GitHub, since: Cursor<DateTime<Utc>>) -> floe::Result<Vec<Issue>> { ... }
/// ```
///
/// The function becomes one that takes what is not filled by the run, here `github`, and gives a
/// `floe::Resource`. The run fills arguments of the types `Cursor<T>` (where to begin), `Rows<T>` (the items of the
/// parent) and `Slice` (all of that). Keys: `table`, `name`, `write`, `primary_key`, `merge_key`, `cursor`,
/// `initial`, `parent`, `selected`.
#[proc_macro_attribute]
pub fn resource(arguments: TokenStream, item: TokenStream) -> TokenStream {
    resource::expand(arguments.into(), syn::parse_macro_input!(item)).into()
}

/// Makes a struct a source: its fields are configuration, and it has resources.
///
/// ```text
/// #[source(name = "github", resources(issues, labels))]
/// #[derive(Clone)]
/// struct GitHub { owner: String, #[secret] token: Secret, #[config(default = "50")] limit: u32 }
/// ```
///
/// `GitHub::from_config()` takes the values from `sources.github`, see the trait `floe::Source`.
#[proc_macro_attribute]
pub fn source(arguments: TokenStream, item: TokenStream) -> TokenStream {
    source::expand(arguments.into(), syn::parse_macro_input!(item)).into()
}
