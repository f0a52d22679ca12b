//! Which columns of which tables make the values of a type.

use floe_schema::typed::{ColumnType, FieldDef, Shape, TableDef};
use floe_schema::{Column, DataType, Naming};

/// A table that is read, with what its rows become.
#[derive(Debug)]
pub(super) struct TablePlan {
    /// The tables from the root table to this one.
    pub(super) lineage: Vec<String>,
    /// The columns, as the type says them.
    pub(super) columns: Vec<Column>,
    /// Tables with the lists of the rows, by their place in the plan.
    pub(super) lists: Vec<usize>,
}

impl TablePlan {
    /// The name of the table.
    pub(super) fn name(&self) -> &str {
        self.lineage.last().map_or("", String::as_str)
    }
}

/// How a value is made.
#[derive(Debug)]
pub(super) enum Node {
    /// Of a column of the row.
    Column { at: usize, json: bool },
    /// Of several of them, and of lists.
    Row { fields: Vec<(&'static str, Node)>, nullable: bool },
    /// Of the rows of a table below: the number of the list among those of the row, and what an element is.
    List { list: usize, element: Box<Node> },
    /// Of nothing: the dataset does not have it.
    Nothing,
}

/// All tables of a type, the root first.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) tables: Vec<TablePlan>,
    pub(super) root: Node,
}

/// What the dataset has, as far as a plan has to know it.
pub(super) trait Known {
    fn has_table(&self, table: &str) -> bool;
    /// Whether a column of a table has this name, or begins with it and a separator.
    fn has_column(&self, table: &str, start: &str) -> bool;
}

impl Plan {
    pub(super) fn new(table: &TableDef, root: &str, naming: &Naming, known: &dyn Known) -> Self {
        let level = table.max_nesting.map_or(i64::MAX, i64::from);
        let mut planner = Planner {
            naming,
            known,
            limited: table.max_nesting.is_some(),
            open: Vec::new(),
            tables: Vec::new(),
        };
        let at = planner.table(vec![root.to_owned()]);
        let path = vec![root.to_owned()];
        let root =
            planner.row(table.fields, &mut Place { table: at, name: &path, path: Vec::new() }, level, false);
        Self { tables: planner.tables, root }
    }
}

struct Planner<'p> {
    naming: &'p Naming,
    known: &'p dyn Known,
    limited: bool,
    /// The structs around the one that is looked at.
    open: Vec<*const FieldDef>,
    tables: Vec<TablePlan>,
}

/// Where in a table a value is.
struct Place<'p> {
    table: usize,
    /// The parts of the name of the table.
    name: &'p [String],
    /// The parts of the name of the column.
    path: Vec<String>,
}

impl Planner<'_> {
    fn table(&mut self, lineage: Vec<String>) -> usize {
        self.tables.push(TablePlan { lineage, columns: Vec::new(), lists: Vec::new() });
        self.tables.len() - 1
    }

    fn join(&self, parts: &[String]) -> String {
        self.naming.join(parts.iter().map(String::as_str))
    }

    fn table_name(&self, place: &Place<'_>) -> String {
        self.tables.get(place.table).and_then(|table| table.lineage.last()).cloned().unwrap_or_default()
    }

    fn row(
        &mut self,
        fields: &'static [FieldDef],
        place: &mut Place<'_>,
        level: i64,
        nullable: bool,
    ) -> Node {
        self.open.push(fields.as_ptr());
        let mut found = Vec::new();
        self.fields(fields, place, level, nullable, &mut found);
        self.open.pop();
        Node::Row { fields: found, nullable }
    }

    fn fields(
        &mut self,
        fields: &'static [FieldDef],
        place: &mut Place<'_>,
        level: i64,
        nullable: bool,
        found: &mut Vec<(&'static str, Node)>,
    ) {
        for field in fields {
            let shape = resolved(field.shape);
            if field.key.is_empty() {
                // fields of a struct that stand in the place of the struct
                if let Shape::Row { fields, nullable: own } = shape {
                    self.fields(fields, place, level, nullable || own, found);
                }
                continue;
            }
            place.path.push(self.naming.key(field.key));
            let node = self.value(shape, place, level, nullable);
            place.path.pop();
            found.push((field.key, node));
        }
    }

    fn value(&mut self, shape: Shape, place: &mut Place<'_>, level: i64, nullable: bool) -> Node {
        match shape {
            Shape::Column { of, nullable: own } => self.column(of, place, nullable || own),
            _ if level <= 0 => self.column(ColumnType::of(DataType::Json), place, true),
            Shape::Row { fields, nullable: own } => {
                let name = self.join(&place.path);
                if self.comes_again(fields) && !self.known.has_column(&self.table_name(place), &name) {
                    return Node::Nothing;
                }
                self.row(fields, place, level.saturating_sub(1), nullable || own)
            }
            Shape::List(element) => {
                let name: Vec<String> = place.name.iter().chain(&place.path).cloned().collect();
                self.list(*element, place.table, &name, level.saturating_sub(1))
            }
            Shape::Again(shape) => self.value(shape(), place, level, nullable),
        }
    }

    fn column(&mut self, of: ColumnType, place: &Place<'_>, nullable: bool) -> Node {
        let mut column = Column::from(of);
        column.name = self.join(&place.path).into();
        column.nullable = Some(nullable);
        let Some(table) = self.tables.get_mut(place.table) else { return Node::Nothing };
        table.columns.push(column);
        Node::Column { at: table.columns.len() - 1, json: of.data_type == DataType::Json }
    }

    fn list(&mut self, element: Shape, above: usize, name: &[String], level: i64) -> Node {
        let element = resolved(element);
        let full = self.join(name);
        if let Shape::Row { fields, .. } = element
            && self.comes_again(fields)
            && !self.known.has_table(&full)
        {
            // a list that is nobody's, and therefore empty
            return Node::List { list: usize::MAX, element: Box::new(Node::Nothing) };
        }
        let lineage = self.tables.get(above).map(|table| table.lineage.clone()).unwrap_or_default();
        let table = self.table(lineage.into_iter().chain([full]).collect());
        let mut place = Place { table, name, path: Vec::new() };
        let element = match element {
            Shape::Row { fields, .. } => self.row(fields, &mut place, level, false),
            Shape::Column { of, nullable } => {
                place.path.push("value".to_owned());
                self.column(of, &place, nullable)
            }
            Shape::List(inner) => {
                let below: Vec<String> = name.iter().cloned().chain(["list".to_owned()]).collect();
                self.list(*inner, table, &below, level.saturating_sub(1))
            }
            Shape::Again(_) => Node::Nothing,
        };
        let Some(above) = self.tables.get_mut(above) else { return Node::Nothing };
        above.lists.push(table);
        Node::List { list: above.lists.len() - 1, element: Box::new(element) }
    }

    fn comes_again(&self, fields: &'static [FieldDef]) -> bool {
        !self.limited && self.open.contains(&fields.as_ptr())
    }
}

/// The shape of a type that contains itself.
fn resolved(shape: Shape) -> Shape {
    match shape {
        Shape::Again(shape) => resolved(shape()),
        shape => shape,
    }
}
