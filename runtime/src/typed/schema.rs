//! Tables of a type, as a schema has them.

use floe_schema::typed::{FieldDef, Shape, TableDef};
use floe_schema::{Column, DataType, Hint, Naming, Schema, Table, x};

use crate::error::{Error, ErrorKind, Step};

/// The type of the items of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Typed(pub(super) TableDef);

impl PartialEq for Typed {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name && std::ptr::eq(self.0.fields, other.0.fields)
    }
}

impl Typed {
    /// What items of the type need before they are read.
    pub(crate) fn refit(&self, salt: Option<crate::Secret>) -> Option<super::refit::Refit> {
        super::refit::Refit::new(self.0.fields, salt)
    }

    /// The tables of the type, the root first, under a name that is normalised.
    pub(crate) fn tables(&self, root: &str, naming: &Naming) -> Vec<Table> {
        let mut tables =
            Tables { naming, limited: self.0.max_nesting.is_some(), open: Vec::new(), out: Vec::new() };
        let level = self.0.max_nesting.map_or(i64::MAX, i64::from);
        tables.rows(self.0.fields, &[root.to_owned()], None, level);
        let mut tables = tables.out;
        if let (Some(table), Some(text)) = (tables.first_mut(), self.0.description) {
            table.description = Some(text.to_owned());
        }
        tables
    }
}

/// The keys in JSON that lead to a column.
pub(crate) fn keys_of(table: &TableDef, column: &str) -> Vec<String> {
    fn find(fields: &[FieldDef], column: &str, keys: &mut Vec<String>) -> bool {
        fields.iter().any(|field| {
            let before = keys.len();
            if !field.key.is_empty() {
                keys.push(field.key.to_owned());
            }
            let found = match (field.shape, column.strip_prefix(field.name)) {
                (Shape::Column { .. }, rest) => rest == Some(""),
                (Shape::Row { fields, .. }, Some(rest)) if field.key.is_empty() => find(fields, rest, keys),
                (Shape::Row { fields, .. }, Some(rest)) => {
                    rest.strip_prefix("__").is_some_and(|rest| find(fields, rest, keys))
                }
                _ => false,
            };
            if !found {
                keys.truncate(before);
            }
            found
        })
    }
    let mut keys = Vec::new();
    if find(table.fields, column, &mut keys) { keys } else { vec![column.to_owned()] }
}

/// The tables of a type under its own name, keys included.
pub(super) fn tables(table: &TableDef) -> Vec<Table> {
    let mut tables = Typed(*table).tables(table.name, &Naming::snake_case());
    if let Some(root) = tables.first_mut() {
        for (hint, names) in [(Hint::PrimaryKey, table.primary_key), (Hint::MergeKey, table.merge_key)] {
            let of = |name: &&Column| names.contains(&&*name.name);
            let columns: Vec<String> = root.columns.values().filter(of).map(|c| c.name.to_string()).collect();
            for name in columns {
                root.columns[&name].set_hint(hint, Some(true));
            }
        }
    }
    tables
}

/// The way through a type.
struct Tables<'n> {
    naming: &'n Naming,
    /// A type that contains itself ends at a limit, and not when it comes again.
    limited: bool,
    /// The structs around the one that is looked at.
    open: Vec<*const FieldDef>,
    out: Vec<Table>,
}

/// The columns of a table on their way: those of the structs inside, and the lists that come after them.
struct Row<'f> {
    columns: Vec<Column>,
    lists: Vec<(Vec<String>, &'f Shape)>,
    level: i64,
}

impl Tables<'_> {
    fn rows(&mut self, fields: &'static [FieldDef], name: &[String], parent: Option<&str>, level: i64) {
        let mut row = Row { columns: Vec::new(), lists: Vec::new(), level };
        self.open.push(fields.as_ptr());
        self.fields(fields, &mut Vec::new(), false, level, &mut row);
        self.table(row, name, parent);
        self.open.pop();
    }

    fn table(&mut self, row: Row<'_>, name: &[String], parent: Option<&str>) {
        let full = self.naming.join(name.iter().map(String::as_str));
        let mut table = match parent {
            Some(parent) => Table::nested(&*full, parent),
            None => Table::new(&*full),
        };
        row.columns.into_iter().for_each(|column| table.insert(column));
        self.out.push(table);
        for (path, element) in row.lists {
            let below: Vec<String> = name.iter().cloned().chain(path).collect();
            self.list(*element, &below, &full, row.level.saturating_sub(1));
        }
    }

    fn fields(
        &mut self,
        fields: &'static [FieldDef],
        path: &mut Vec<String>,
        nullable: bool,
        level: i64,
        row: &mut Row<'static>,
    ) {
        for field in fields {
            let inlined = field.key.is_empty();
            if !inlined {
                path.push(self.naming.key(field.key));
            }
            self.field(field, path, nullable, if inlined { level.saturating_add(1) } else { level }, row);
            if !inlined {
                path.pop();
            }
        }
    }

    fn field(
        &mut self,
        field: &'static FieldDef,
        path: &mut Vec<String>,
        nullable: bool,
        level: i64,
        row: &mut Row<'static>,
    ) {
        let shape = match field.shape {
            Shape::Again(shape) => shape(),
            shape => shape,
        };
        let is_whole = level <= 0 && !matches!(shape, Shape::Column { .. });
        match shape {
            _ if is_whole => row.columns.push(self.column(field, path, DataType::Json, true)),
            Shape::Column { of, nullable: own } => {
                let mut column = self.column(field, path, of.data_type, nullable || own);
                let typed = Column::from(of);
                (column.precision, column.scale, column.timezone) =
                    (typed.precision, typed.scale, typed.timezone);
                row.columns.push(column);
            }
            Shape::Row { fields, nullable: own } => {
                if self.comes_again(fields) {
                    return;
                }
                self.open.push(fields.as_ptr());
                self.fields(fields, path, nullable || own, level.saturating_sub(1), row);
                self.open.pop();
            }
            Shape::List(element) => row.lists.push((path.clone(), element)),
            Shape::Again(_) => {}
        }
    }

    fn column(&self, field: &FieldDef, path: &[String], data_type: DataType, nullable: bool) -> Column {
        let mut column = Column::incomplete(self.naming.join(path.iter().map(String::as_str)));
        column.data_type = Some(data_type);
        column.nullable = Some(nullable);
        column.hints = field.hints;
        if field.policy.is_some() {
            column.set_x(x::PII, true.into());
        }
        if !field.was.is_empty() {
            let prefix = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
            let former = field.was.iter().map(|name| {
                let name = self.naming.key(name);
                self.naming.join(prefix.iter().map(String::as_str).chain([name.as_str()]))
            });
            column.set_x(x::WAS, former.collect());
        }
        column.dedup_sort = field.dedup_sort;
        column.description = field.description.map(Into::into);
        column
    }

    fn list(&mut self, element: Shape, name: &[String], parent: &str, level: i64) {
        match element {
            Shape::Row { fields, .. } if self.comes_again(fields) => {}
            Shape::Row { fields, .. } => self.rows(fields, name, Some(parent), level),
            Shape::Column { of, nullable } => {
                let mut column = Column::from(of);
                column.name = "value".into();
                column.nullable = Some(nullable);
                let row = Row { columns: vec![column], lists: Vec::new(), level };
                self.table(row, name, Some(parent));
            }
            Shape::List(inner) => {
                let lists = vec![(vec!["list".to_owned()], inner)];
                self.table(Row { columns: Vec::new(), lists, level }, name, Some(parent));
            }
            Shape::Again(shape) => self.list(shape(), name, parent, level),
        }
    }

    /// Whether a type is inside itself, so that the data have to tell how deep it goes.
    fn comes_again(&self, fields: &'static [FieldDef]) -> bool {
        !self.limited && self.open.contains(&fields.as_ptr())
    }
}

/// The error for a type that the dataset has otherwise, for all columns at once.
pub(crate) fn stored_otherwise(tables: &[Table], schema: &Schema) -> Option<Error> {
    let mut lines = Vec::new();
    let mut place = None;
    for table in tables {
        let Some(stored) = schema.tables.get(&table.name) else { continue };
        for column in table.complete_columns() {
            let Some(known) = stored.columns.get(&*column.name).filter(|c| c.is_complete()) else { continue };
            let (has, says) = (spec(known), spec(column));
            let is_other =
                known.type_text() != column.type_text() || !known.is_nullable() && column.is_nullable();
            if is_other {
                place.get_or_insert((table.name.clone(), column.name.to_string()));
                let (table, name) = (&table.name, &column.name);
                lines.push(format!("\n  {table}.{name}: the dataset has {has}, the struct says {says}"));
            }
        }
    }
    let (table, column) = place?;
    let message = format!("the dataset is not what the struct says{}", lines.concat());
    let help = "give the field the type of the dataset, or another name, or drop the table with a refresh";
    Some(Error::new(ErrorKind::Contract, message).step(Step::Extract).table(table).column(column).help(help))
}

fn spec(column: &Column) -> String {
    let null = if column.is_nullable() { "" } else { " not null" };
    format!("{}{null}", column.type_text())
}
