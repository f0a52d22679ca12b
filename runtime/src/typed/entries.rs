//! Maps whose entries are rows of a table below.

use std::collections::{BTreeMap, HashMap};

use floe_schema::typed::{FieldDef, Shape};

use super::{Field, RowWriter};

/// Maps that `#[table(entries)]` makes a table of, with columns `key` and `value`, or one for each field of the
/// value, named after both.
///
/// ```
/// use floe::prelude::*;
/// use std::collections::BTreeMap;
///
/// #[derive(Table)]
/// struct Product {
///     id: i64,
///     #[table(entries)]
///     prices: BTreeMap<String, Decimal<12, 2>>, // child table product__prices with key and value
/// }
///
/// let tables = floe::schema_of::<Product>().tables;
/// assert_eq!(tables["product__prices"].columns["value"].type_text(), "decimal(12,2)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no map whose entries could be rows",
    label = "`entries` is for maps",
    note = "use a `BTreeMap` or a `HashMap` with texts as keys and fields of tables as values"
)]
pub trait Entries {
    /// A list of rows with keys and values.
    const SHAPE: Shape;

    /// Writes a key with the list of the entries, or nothing if there is nothing to write.
    fn write_entries(&self, key: &'static str, out: &mut RowWriter);
}

/// The shape of the entries of a map.
struct Of<V>(std::marker::PhantomData<V>);

impl<V: Field> Of<V> {
    const ENTRY: Shape = Shape::Row {
        fields: &[FieldDef::entry_key(), FieldDef::new("value", "value", V::SHAPE)],
        nullable: false,
    };
    const SHAPE: Shape = Shape::List(&Self::ENTRY);
}

fn write<'m, K: AsRef<str> + 'm, V: Field + 'm>(
    entries: impl Iterator<Item = (&'m K, &'m V)>,
    key: &'static str,
    out: &mut RowWriter,
) {
    out.key(key);
    out.raw("[");
    for (n, (key, value)) in entries.enumerate() {
        if n > 0 {
            out.raw(",");
        }
        out.object(|out| {
            out.key("\"key\":");
            out.string(key.as_ref());
            value.write_field("\"value\":", out);
        });
    }
    out.raw("]");
}

impl<K: AsRef<str>, V: Field> Entries for BTreeMap<K, V> {
    const SHAPE: Shape = Of::<V>::SHAPE;

    fn write_entries(&self, key: &'static str, out: &mut RowWriter) {
        write(self.iter(), key, out);
    }
}

impl<K: AsRef<str>, V: Field, S> Entries for HashMap<K, V, S> {
    const SHAPE: Shape = Of::<V>::SHAPE;

    fn write_entries(&self, key: &'static str, out: &mut RowWriter) {
        write(self.iter(), key, out);
    }
}

impl<M: Entries> Entries for Option<M> {
    const SHAPE: Shape = M::SHAPE;

    fn write_entries(&self, key: &'static str, out: &mut RowWriter) {
        if let Some(map) = self {
            map.write_entries(key, out);
        }
    }
}
