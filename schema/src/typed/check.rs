//! Compares a table with its contract while the program is built.
//!
//! Columns are looked for where the last one was found, so a file in the order of the struct is read
//! once. Any other order works as well and takes longer. Every byte counts: the compiler interprets this, and
//! the contracts of a large connector have a megabyte.

use super::text::{self, Text, is_blank, same, slice, token};
use super::{FieldDef, Shape, TableDef, find};
use crate::{DataType, Hint, Hints};

/// Differences that a message shows; more are counted.
const SHOWN: usize = 12;

/// How a struct differs from its contract.
#[derive(Debug, Clone, Copy)]
pub struct Drift {
    message: Text<4096>,
    count: usize,
}

impl Drift {
    /// Whether the two agree.
    pub const fn is_none(&self) -> bool {
        self.count == 0
    }

    /// What differs, one line for each difference, and what to do.
    pub const fn message(&self) -> &str {
        self.message.as_str()
    }
}

/// Compares a table and the tables below it with a contract file. Tables of a type that contains
/// itself are looked at only once they exist, see [`Shape::Again`].
pub const fn check(table: &TableDef, contract: &str) -> Drift {
    let mut walk = Walk {
        text: contract.as_bytes(),
        start: 0,
        at: 0,
        in_order: true,
        ordered: true,
        table: Text::new(),
        column: Text::new(),
        drift: Drift { message: Text::new(), count: 0 },
    };
    walk.drift.message.push(b"schema drift: `");
    walk.drift.message.push(table.name.as_bytes());
    walk.drift.message.push(b"` is not what its contract says");
    walk.table.push(table.name.as_bytes());
    walk.rows(table.fields, Some(table));
    walk.left_tables(table);
    if walk.drift.count > SHOWN {
        walk.drift.message.push(b"\n  and ");
        walk.drift.message.push_number((walk.drift.count - SHOWN) as u16);
        walk.drift.message.push(b" more");
    }
    walk.drift.message.push(
        b"\n  help: if the new schema is meant, `floe contract accept` writes it down; `floe contract diff` shows it",
    );
    walk.drift
}

struct Walk<'c> {
    text: &'c [u8],
    /// Where the lines of the table begin that is compared.
    start: usize,
    /// Where its next column is expected, or the next table.
    at: usize,
    /// Each column of the table was where it was expected.
    in_order: bool,
    /// So was each table.
    ordered: bool,
    table: Text<256>,
    /// The column, or what comes before its name.
    column: Text<256>,
    drift: Drift,
}

/// The line of a column.
struct Found {
    line: Line,
    name_end: usize,
    /// It was the first line that was looked at.
    first: bool,
}

/// A line that says something: its bytes, and where the next one starts.
struct Line {
    start: usize,
    end: usize,
    next: usize,
}

impl Line {
    /// The first line from a position on that is neither empty nor a remark.
    const fn from(text: &[u8], mut at: usize, end: usize) -> Option<Self> {
        while at < end {
            let mut start = at;
            while start < end && is_blank(text[start]) {
                start += 1;
            }
            let mut stop = start;
            while stop < end && text[stop] != b'\n' {
                stop += 1;
            }
            if stop > start && text[start] != b'#' {
                return Some(Self { start, end: stop, next: stop + 1 });
            }
            at = stop + 1;
        }
        None
    }

    /// The name in brackets, if it is the head of a table.
    const fn head<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        if text[self.start] != b'[' {
            return None;
        }
        let mut end = self.end;
        while end > self.start && (is_blank(text[end - 1]) || text[end - 1] == b']') {
            end -= 1;
        }
        if end <= self.start + 1 { Some(&[]) } else { Some(slice(text, self.start + 1, end)) }
    }
}

impl Walk<'_> {
    /// A table whose rows are structs.
    const fn rows(&mut self, fields: &[FieldDef], root: Option<&TableDef>) {
        if self.open() {
            self.columns(fields, false, root);
            self.left_columns(fields);
        }
        self.children(fields);
    }

    /// Finds the lines of the table.
    const fn open(&mut self) -> bool {
        let here = self.at;
        // the next table usually follows the one before it
        if self.open_from(here, self.text.len()) || self.open_from(0, here) {
            self.in_order = true;
            return true;
        }
        self.report(b"", b"the contract has no such table");
        false
    }

    const fn open_from(&mut self, mut at: usize, end: usize) -> bool {
        let from = at;
        let mut first = true;
        while let Some(line) = Line::from(self.text, at, end) {
            at = line.next;
            if let Some(name) = line.head(self.text)
                && same(name, self.table.bytes())
            {
                self.start = if line.next < self.text.len() { line.next } else { self.text.len() };
                self.ordered = self.ordered && first && from == self.at;
                self.at = self.start;
                return true;
            }
            first = false;
        }
        false
    }

    const fn columns(&mut self, fields: &[FieldDef], nullable: bool, root: Option<&TableDef>) {
        let mut n = 0;
        while n < fields.len() {
            let field = &fields[n];
            n += 1;
            let before = self.column.join(field.name.as_bytes());
            match field.shape {
                Shape::Column { nullable: own, .. } => {
                    let mut spec =
                        spec(field.shape, own || nullable, &field.hints, self.column.bytes(), root);
                    let prefix = slice(self.column.bytes(), 0, before);
                    push_former(&mut spec, prefix, field.was);
                    self.compare(&spec, field.was, before);
                }
                Shape::Row { fields, nullable: own } => self.columns(fields, nullable || own, root),
                Shape::List(_) | Shape::Again(_) => {}
            }
            self.column.truncate(before);
        }
    }

    /// Compares the column with its line.
    const fn compare(&mut self, spec: &Text<256>, was: &[&str], prefix: usize) {
        let found = match self.line_named(self.column.bytes(), self.at, self.text.len()) {
            Some(found) => Some(found),
            None => {
                self.in_order = false;
                self.line_named(self.column.bytes(), self.start, self.at)
            }
        };
        let Some(Found { line, name_end, first }) = found else {
            if let Some(former) = self.former(was, prefix) {
                return self.differs(
                    b"the contract calls it `",
                    former.bytes(),
                    b"`, the struct renames it: `",
                    spec.bytes(),
                    b"`",
                );
            }
            return self.differs(
                b"the contract has no such column, the struct says `",
                spec.bytes(),
                b"`",
                b"",
                b"",
            );
        };
        self.in_order = self.in_order && first;
        self.at = if line.next < self.text.len() { line.next } else { self.text.len() };
        let said = slice(self.text, name_end, line.end);
        if !same_words(said, spec.bytes()) {
            self.differs(b"the contract says `", said, b"`, the struct says `", spec.bytes(), b"`");
        }
    }

    /// The former name of the column that the contract still has.
    const fn former(&self, was: &[&str], prefix: usize) -> Option<Text<256>> {
        let mut n = 0;
        while n < was.len() {
            let name = sibling(slice(self.column.bytes(), 0, prefix), was[n]);
            if self.line_named(name.bytes(), self.start, self.text.len()).is_some() {
                return Some(name);
            }
            n += 1;
        }
        None
    }

    /// The line of a column within a range, which the next table ends.
    const fn line_named(&self, name: &[u8], mut at: usize, end: usize) -> Option<Found> {
        let mut first = true;
        while let Some(line) = Line::from(self.text, at, end) {
            if self.text[line.start] == b'[' {
                return None;
            }
            at = line.next;
            if let Some(name_end) = text::after(self.text, line.start, name)
                && (name_end == line.end || is_blank(self.text[name_end]))
            {
                return Some(Found { line, name_end, first });
            }
            first = false;
        }
        None
    }

    /// Reports columns of the contract that the struct does not have.
    const fn left_columns(&mut self, fields: &[FieldDef]) {
        let ends_here = match Line::from(self.text, self.at, self.text.len()) {
            Some(line) => line.head(self.text).is_some(),
            None => true,
        };
        if self.in_order && ends_here {
            return;
        }
        let (mut at, end) = (self.start, section_end(self.text, self.start));
        while let Some(line) = Line::from(self.text, at, end) {
            at = line.next;
            let Some((start, name_end)) = token(self.text, line.start) else { continue };
            let name = slice(self.text, start, name_end);
            if find(fields, name, 0).is_none() && !self.is_former(fields, name, 0) {
                let said = slice(self.text, name_end, line.end);
                let before = self.column.join(name);
                self.differs(b"the struct has no such column, the contract says `", said, b"`", b"", b"");
                self.column.truncate(before);
            }
        }
    }

    /// Whether a column had this name, which continues at `from`, and the contract does not know the new one.
    const fn is_former(&self, fields: &[FieldDef], name: &[u8], from: usize) -> bool {
        let mut n = 0;
        while n < fields.len() {
            let field = &fields[n];
            n += 1;
            let mut w = 0;
            while w < field.was.len() {
                if let Some(after) = text::after(name, from, field.was[w].as_bytes())
                    && after == name.len()
                {
                    let new = joined(slice(name, 0, from), field.name);
                    return self.line_named(new.bytes(), self.start, self.text.len()).is_none();
                }
                w += 1;
            }
            if let Shape::Row { fields, .. } = field.shape {
                let own = field.name.as_bytes();
                let below = match text::after(name, from, own) {
                    Some(after) if !own.is_empty() => text::after(name, after, b"__"),
                    after => after,
                };
                if let Some(below) = below
                    && self.is_former(fields, name, below)
                {
                    return true;
                }
            }
        }
        false
    }

    const fn children(&mut self, fields: &[FieldDef]) {
        let mut n = 0;
        while n < fields.len() {
            let field = &fields[n];
            n += 1;
            let before = self.table.join(field.name.as_bytes());
            match field.shape {
                Shape::Row { fields, .. } => self.children(fields),
                Shape::List(element) => self.list(*element),
                Shape::Column { .. } | Shape::Again(_) => {}
            }
            self.table.truncate(before);
        }
    }

    const fn list(&mut self, element: Shape) {
        match element {
            Shape::Row { fields, .. } => self.rows(fields, None),
            Shape::Column { .. } => {
                let value = [FieldDef::new("value", "value", element)];
                self.rows(&value, None);
            }
            Shape::List(_) => {
                if self.open() {
                    self.left_columns(&[]);
                }
                let before = self.table.join(b"list");
                if let Shape::List(inner) = element {
                    self.list(*inner);
                }
                self.table.truncate(before);
            }
            Shape::Again(_) => {}
        }
    }

    /// Reports tables of the contract that the struct does not have.
    const fn left_tables(&mut self, table: &TableDef) {
        if self.ordered && Line::from(self.text, self.at, self.text.len()).is_none() {
            return;
        }
        let mut at = 0;
        while let Some(line) = Line::from(self.text, at, self.text.len()) {
            at = line.next;
            let Some(name) = line.head(self.text) else { continue };
            let known = match text::after(name, 0, table.name.as_bytes()) {
                Some(after) if after == name.len() => true,
                Some(after) => has_table(table.fields, name, after),
                None => false,
            };
            if !known {
                self.table.truncate(0);
                self.table.push(name);
                self.report(b"", b"the struct has no such table");
            }
        }
    }

    const fn differs(&mut self, a: &[u8], b: &[u8], c: &[u8], d: &[u8], e: &[u8]) {
        let mut text: Text<512> = Text::new();
        text.push(a);
        text.push_words(b);
        text.push(c);
        text.push_words(d);
        text.push(e);
        let column = self.column;
        self.report(column.bytes(), text.bytes());
    }

    const fn report(&mut self, column: &[u8], what: &[u8]) {
        self.drift.count += 1;
        if self.drift.count > SHOWN {
            return;
        }
        let message = &mut self.drift.message;
        message.push(b"\n  ");
        if column.is_empty() {
            message.push(b"table `");
            message.push(self.table.bytes());
        } else {
            message.push(b"column `");
            message.push(column);
            message.push(b"` of `");
            message.push(self.table.bytes());
        }
        message.push(b"`: ");
        message.push(what);
    }
}

/// Where the lines of a table end.
const fn section_end(text: &[u8], mut at: usize) -> usize {
    while let Some(line) = Line::from(text, at, text.len()) {
        if line.head(text).is_some() {
            return line.start;
        }
        at = line.next;
    }
    text.len()
}

/// Whether there is a table below, whose name continues at `from`.
const fn has_table(fields: &[FieldDef], name: &[u8], from: usize) -> bool {
    let mut n = 0;
    while n < fields.len() {
        let field = &fields[n];
        n += 1;
        let own = field.name.as_bytes();
        let after = if own.is_empty() {
            from
        } else {
            let Some(after) = text::after(name, from, b"__") else { continue };
            let Some(after) = text::after(name, after, own) else { continue };
            after
        };
        let found = match field.shape {
            Shape::Row { fields, .. } => has_table(fields, name, after),
            Shape::List(element) => has_list(*element, name, after),
            // what is below is known only when it runs
            Shape::Again(_) => after == name.len() || text::after(name, after, b"__").is_some(),
            Shape::Column { .. } => false,
        };
        if found {
            return true;
        }
    }
    false
}

const fn has_list(element: Shape, name: &[u8], at: usize) -> bool {
    if at == name.len() {
        return true;
    }
    match element {
        Shape::Row { fields, .. } => has_table(fields, name, at),
        Shape::List(inner) => match text::after(name, at, b"__list") {
            Some(after) => has_list(*inner, name, after),
            None => false,
        },
        _ => false,
    }
}

const fn is_one_of(column: &[u8], names: &[&str]) -> bool {
    let mut n = 0;
    while n < names.len() {
        if same(column, names[n].as_bytes()) {
            return true;
        }
        n += 1;
    }
    false
}

/// What the contract has to say about a column.
const fn spec(
    shape: Shape,
    nullable: bool,
    hints: &Hints,
    column: &[u8],
    root: Option<&TableDef>,
) -> Text<256> {
    let mut out = Text::new();
    let Shape::Column { of, .. } = shape else { return out };
    out.push(of.data_type.as_str().as_bytes());
    if of.precision.is_some() || of.scale.is_some() {
        out.push(b"(");
        if let Some(precision) = of.precision {
            out.push_number(precision);
        }
        if let Some(scale) = of.scale {
            out.push(b",");
            out.push_number(scale);
        }
        out.push(b")");
    }
    if !of.timezone && matches!(of.data_type, DataType::Timestamp) {
        out.push(b" without time zone");
    }
    if !nullable {
        out.push(b" not null");
    }
    if let Some(table) = root {
        if is_one_of(column, table.primary_key) {
            out.push(b" primary_key");
        }
        if is_one_of(column, table.merge_key) {
            out.push(b" merge_key");
        }
    }
    if matches!(hints.get(Hint::Unique), Some(true)) {
        out.push(b" unique");
    }
    out
}

/// Adds the former names of a column beside which they stand.
const fn push_former(spec: &mut Text<256>, prefix: &[u8], was: &[&str]) {
    let mut n = 0;
    while n < was.len() {
        spec.push(b" was:");
        spec.push(sibling(prefix, was[n]).bytes());
        n += 1;
    }
}

/// The name of a column below a struct, which is empty for the table itself.
const fn sibling(prefix: &[u8], name: &str) -> Text<256> {
    let mut out = Text::new();
    out.push(prefix);
    let _ = out.join(name.as_bytes());
    out
}

/// The name of a column behind a prefix that ends as it should.
const fn joined(prefix: &[u8], name: &str) -> Text<256> {
    let mut out = Text::new();
    out.push(prefix);
    out.push(name.as_bytes());
    out
}

/// Whether two texts are the same words, whatever the blanks between them.
const fn same_words(a: &[u8], b: &[u8]) -> bool {
    let (mut at_a, mut at_b) = (0, 0);
    loop {
        match (token(a, at_a), token(b, at_b)) {
            (None, None) => return true,
            (Some((start_a, end_a)), Some((start_b, end_b))) => {
                if !same(slice(a, start_a, end_a), slice(b, start_b, end_b)) {
                    return false;
                }
                at_a = end_a;
                at_b = end_b;
            }
            _ => return false,
        }
    }
}
