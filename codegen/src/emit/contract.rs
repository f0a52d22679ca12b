//! Contracts: the columns of a table and of its child tables, one a line, as the struct has them.

use floe_schema::typed::ContractFile;
use floe_schema::{Column, DataType, Hint, Naming, SchemaDiff, Table as SchemaTable};

use super::tables::{Table, Tables};
use crate::api::Api;
use crate::shape::Shape;

/// Names that the compiler compares may have so many bytes.
const LONGEST: usize = 240;

/// The contract of a table; none if two of its fields are one column.
pub(super) fn text(api: &Api, tables: &Tables, name: &str, table: &Table) -> Option<String> {
    let mut walk =
        Walk { api, tables, naming: Naming::snake_case(), file: ContractFile::default(), unclear: false };
    let place = Place { table: name, parent: None, prefix: "", nullable: false };
    walk.table(&place);
    walk.fields(table.record, &place);
    for (key, shape) in &table.extra {
        let column = walk.naming.key(key);
        walk.field(&column, shape, true, &place);
    }
    if let Some(root) = walk.file.tables.get_mut(name) {
        for key in &table.key {
            if let Some(column) = root.columns.get_mut(key) {
                column.set_hint(Hint::PrimaryKey, Some(true));
            }
        }
    }
    (!walk.unclear).then(|| walk.file.to_string())
}

/// Where fields become columns.
struct Place<'p> {
    table: &'p str,
    parent: Option<&'p str>,
    /// Of the columns.
    prefix: &'p str,
    nullable: bool,
}

struct Walk<'a> {
    api: &'a Api,
    tables: &'a Tables,
    naming: Naming,
    file: ContractFile,
    unclear: bool,
}

impl Walk<'_> {
    fn table(&mut self, place: &Place<'_>) {
        let table = match place.parent {
            Some(parent) => SchemaTable::nested(place.table, parent),
            None => SchemaTable::new(place.table),
        };
        self.unclear |= place.table.len() > LONGEST;
        self.unclear |= self.file.tables.insert(place.table.to_owned(), table).is_some();
    }

    fn fields(&mut self, record: usize, place: &Place<'_>) {
        let (api, tables) = (self.api, self.tables);
        let Some(shapes) = api.records.get(record) else { return };
        for (field, nullable) in tables.fields(shapes, record) {
            let name = format!("{}{}", place.prefix, self.naming.key(&field.name));
            self.field(&name, &field.shape, place.nullable || nullable, place);
        }
    }

    fn field(&mut self, name: &str, shape: &Shape, nullable: bool, place: &Place<'_>) {
        match shape {
            Shape::Record(inner) => {
                self.fields(*inner, &Place { prefix: &format!("{name}__"), nullable, ..*place });
            }
            shape if is_json(shape) => self.column(name, DataType::Json, nullable, place),
            Shape::List(item) => self.list(item, &format!("{}__{name}", place.table), place.table),
            Shape::Scalar(scalar) => self.column(name, scalar.data_type(), nullable, place),
            Shape::Json => {}
        }
    }

    fn list(&mut self, item: &Shape, table: &str, parent: &str) {
        let place = Place { table, parent: Some(parent), prefix: "", nullable: false };
        self.table(&place);
        match item {
            Shape::Record(inner) => self.fields(*inner, &place),
            Shape::Scalar(scalar) => self.column("value", scalar.data_type(), false, &place),
            Shape::List(inner) => self.list(inner, &format!("{table}__list"), table),
            Shape::Json => {}
        }
    }

    fn column(&mut self, name: &str, data_type: DataType, nullable: bool, place: &Place<'_>) {
        let mut column = Column::incomplete(name.to_owned());
        column.data_type = Some(data_type);
        column.nullable = Some(nullable);
        self.unclear |= name.len() > LONGEST;
        if let Some(table) = self.file.tables.get_mut(place.table) {
            self.unclear |= table.columns.contains_key(name);
            table.insert(column);
        }
    }
}

/// Whether it is one column of JSON: lists of what stays whole stay whole.
fn is_json(shape: &Shape) -> bool {
    match shape {
        Shape::Json => true,
        Shape::List(item) => is_json(item),
        _ => false,
    }
}

/// What changed between two contracts, in the words of `floe contract diff`.
pub(super) fn drift(old: &str, new: &str) -> Vec<String> {
    match (ContractFile::parse(old), ContractFile::parse(new)) {
        (Ok(old), Ok(new)) => SchemaDiff::between_tables(&old.tables, &new.tables)
            .changes
            .iter()
            .map(ToString::to_string)
            .collect(),
        (Err(error), _) | (_, Err(error)) => vec![error.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_said_by_column() {
        let old = "# x\n[pets]\nid bigint not null primary_key\nname text\nage bigint\n";
        let new = "[pets]\nid bigint not null primary_key\nname json\nsize text\n";
        assert_eq!(drift(old, new).join("\n"), "~ pets.name text -> json\n+ pets.size text\n- pets.age");
        assert!(drift(old, old).is_empty());
        assert!(drift("[pets]\nid integer", new)[0].starts_with("line 2: unknown data type"));
    }
}
