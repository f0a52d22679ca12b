//! What can be told to be wrong before types are known.

use std::collections::HashMap;

use floe_schema::typed::Policy;
use floe_schema::{MergeStrategy, WriteDisposition};
use proc_macro2::Span;
use quote::ToTokens;

use super::ast::{ArmKind, Body, Field, Table};
use crate::errors::{Errors, did_you_mean};

pub(crate) fn check(table: &Table, errors: &mut Errors) {
    match &table.body {
        Body::Row(fields) => {
            names(fields, errors);
            former_names(fields, errors);
            aliases(fields, errors);
            for field in fields {
                options(field, errors);
            }
            keys(table, fields, errors);
            hidden_keys(table, fields, errors);
            recursion(table, fields, errors);
        }
        Body::Wide { tag, variants } => {
            let mut seen: HashMap<&str, &Field> = HashMap::new();
            for arm in variants {
                let ArmKind::Fields(fields) = &arm.kind else { continue };
                names(fields, errors);
                for field in fields {
                    options(field, errors);
                    variant_field(tag, field, &mut seen, errors);
                }
            }
        }
        Body::Newtype(_) | Body::Words(_) | Body::Json => {
            if let Some(span) = said_of_a_table(table) {
                errors.add(span, "this is a field and no table", "say it at the struct that has the field");
            }
        }
    }
    write(table, errors);
}

/// Two keys must not become one column.
fn names(fields: &[Field], errors: &mut Errors) {
    let mut seen: HashMap<&str, &Field> = HashMap::new();
    for field in fields.iter().filter(|f| !f.flatten) {
        if let Some(other) = seen.insert(&field.name, field) {
            let message =
                format!("`{}` and `{}` are both the column `{}`", other.ident, field.ident, field.name);
            errors.add(field.ident.span(), message, "rename one of them with `#[serde(rename = \"...\")]`");
        }
    }
}

/// Another key of a field is no other field's.
fn aliases(fields: &[Field], errors: &mut Errors) {
    for field in fields {
        for alias in &field.alias {
            let others = fields.iter().filter(|other| other.ident != field.ident && !other.flatten);
            if let Some(other) = others.into_iter().find(|f| f.key == *alias || f.alias.contains(alias)) {
                let message = format!("`{alias}` is a key of `{}` and of `{}`", other.ident, field.ident);
                errors.add(field.ident.span(), message, "take the alias of one of them away");
            }
        }
    }
}

/// A column that had a name which another one has now would be taken for it.
fn former_names(fields: &[Field], errors: &mut Errors) {
    for field in fields {
        for (name, span) in &field.was {
            if *name == field.name {
                let help = "name what the column was called before, or leave `was` out";
                errors.add(*span, format!("`{name}` is the name of the column now"), help);
            } else if let Some(other) = fields.iter().find(|other| !other.flatten && other.name == *name) {
                let message = format!(
                    "`{name}` is the column of `{}`, so `{}` cannot have been it",
                    other.ident, field.ident
                );
                errors.add(*span, message, "take `was` away, or rename the other field");
            }
        }
    }
}

/// Options of a field that exclude each other.
fn options(field: &Field, errors: &mut Errors) {
    let hints = [
        "json",
        "precision",
        "scale",
        "timezone",
        "unique",
        "primary_key",
        "merge_key",
        "cursor",
        "was",
        "pii",
        "entries",
    ];
    if field.flatten
        && let Some(entry) = hints.iter().find_map(|key| field.entry(key))
    {
        let message = format!("`{}` is for a column, and a flattened field is none", entry.key);
        errors.add(entry.key.span(), message, "say it at a field of the struct that is flattened");
    }
    if let Some((policy, span)) = field.pii {
        let is_hash = policy == Policy::Hash;
        let keys = ["primary_key", "merge_key", "unique", "cursor"].into_iter();
        if let Some(key) =
            keys.filter(|key| !is_hash || *key == "cursor").find(|key| field.entry(key).is_some())
        {
            let message = format!("`{policy}` leaves nothing of `{}` that could be a `{key}`", field.ident);
            errors.add(
                span,
                message,
                if key == "cursor" {
                    "choose another cursor"
                } else {
                    "write `pii = hash`, which keeps equal values equal"
                },
            );
        }
        for key in ["precision", "scale", "timezone"] {
            if let Some(entry) = field.entry(key) {
                errors.add(
                    entry.key.span(),
                    format!("a hidden value has no `{key}`"),
                    "take one of the two away",
                );
            }
        }
    }
    if let (true, Some(entry)) =
        (field.entries_are_rows, ["json", "pii"].iter().find_map(|key| field.entry(key)))
    {
        let message = format!("a table of entries has no `{}`", entry.key);
        errors.add(entry.key.span(), message, "take one of the two away");
    }
    for key in ["precision", "scale", "timezone", "cursor"] {
        if let (true, Some(entry)) = (field.json, field.entry(key)) {
            let message = format!("a column of JSON has no `{key}`");
            errors.add(entry.key.span(), message, "take one of the two away");
        }
    }
    if let (Some((precision, _)), Some((scale, span))) = (field.precision, field.scale)
        && scale > precision
    {
        let message = format!("{scale} of {precision} digits cannot be behind the point");
        errors.add(span, message, "precision counts all digits");
    }
    if let Some((precision, span)) = field.precision.filter(|(p, _)| field.scale.is_some() && *p > 38) {
        let message = format!("no destination holds {precision} digits");
        errors.add(span, message, "decimals have 38 digits at most");
    }
    for key in ["primary_key", "cursor"] {
        if let (true, Some(entry)) = (field.is_option(), field.entry(key)) {
            let what = if key == "cursor" { "a cursor" } else { "a primary key" };
            let help = "make the field no `Option`, or choose another one";
            errors.add(entry.key.span(), format!("{what} is never null"), help);
        }
    }
}

/// Keys and cursor name columns that are there.
fn keys(table: &Table, fields: &[Field], errors: &mut Errors) {
    let known: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    let open = fields.iter().any(|f| f.flatten);
    let mut missing = |name: &str, span: Span, what: &str| {
        let first = name.split("__").next().unwrap_or(name);
        let found = fields.iter().find(|f| f.name == name || f.name == first && name != first);
        match found {
            None if !open => errors.add(
                span,
                format!("the {what} names `{name}`, which is no column of `{}`", table.name),
                did_you_mean(name, &known),
            ),
            Some(field)
                if field.name == name
                    && field.is_option()
                    && what != "merge key"
                    && field.entry("primary_key").is_none()
                    && field.entry("cursor").is_none() =>
            {
                let help = format!("make `{}` no `Option`, or choose another column", field.ident);
                errors.add(span, format!("`{name}` may be null, but a {what} never is"), help);
            }
            _ => {}
        }
    };
    table.primary_key.iter().for_each(|(name, span)| missing(name, *span, "primary key"));
    table.merge_key.iter().for_each(|(name, span)| missing(name, *span, "merge key"));
    table.cursor.iter().for_each(|(name, span)| missing(name, *span, "cursor"));
}

/// A key at the struct that names a hidden field.
fn hidden_keys(table: &Table, fields: &[Field], errors: &mut Errors) {
    let keys = table.primary_key.iter().chain(&table.merge_key).map(|key| (key, false));
    for ((name, span), is_cursor) in keys.chain(table.cursor.iter().map(|cursor| (cursor, true))) {
        let hidden = fields.iter().filter(|f| f.name == *name).find_map(|f| f.pii);
        let is_own = fields.iter().any(|f| {
            f.name == *name && ["primary_key", "merge_key", "cursor"].iter().any(|key| f.entry(key).is_some())
        });
        if let Some((policy, _)) =
            hidden.filter(|(policy, _)| !is_own && (is_cursor || *policy != Policy::Hash))
        {
            let message = format!("`{policy}` leaves nothing of `{name}` that could be a key or a cursor");
            errors.add(*span, message, "name another column, or write `pii = hash` for a key");
        }
    }
}

/// Data decide how deep a type that contains itself goes, and a contract leaves nothing to data.
fn recursion(table: &Table, fields: &[Field], errors: &mut Errors) {
    let Some(field) = fields.iter().find(|f| f.recursive && !f.json) else { return };
    if table.contract.is_some() && table.max_nesting.is_none() {
        let message = format!("`{}` contains itself, and a contract has to know how deep", table.ident);
        let help = "add `max_nesting = 3`, or make the field one column with `#[table(json)]`";
        errors.add(field.ident.span(), message, help);
    }
}

fn variant_field<'f>(
    tag: &str,
    field: &'f Field,
    seen: &mut HashMap<&'f str, &'f Field>,
    errors: &mut Errors,
) {
    if field.key == tag {
        let message = format!("the column `{tag}` says which variant it is");
        errors.add(field.ident.span(), message, "rename the field or the tag");
    }
    let text = |field: &Field| field.ty.to_token_stream().to_string();
    if let Some(other) = seen.insert(&field.name, field)
        && text(other) != text(field)
    {
        let message = format!("the column `{}` has another type in another variant", field.name);
        errors.add(field.ident.span(), message, "give both the same type, or one of them another name");
    }
}

/// The first thing that only a table can have.
fn said_of_a_table(table: &Table) -> Option<Span> {
    let keys = table.primary_key.iter().chain(&table.merge_key).chain(&table.cursor).map(|(_, span)| *span);
    let write = table.write.map(|(_, span)| span);
    keys.chain(write).chain(table.strategy.map(|(_, s)| s)).chain(table.contract.map(|(_, s)| s)).next()
}

/// Options that only versions of rows have.
fn versions(table: &Table, errors: &mut Errors) {
    let is_scd2 = matches!(table.strategy, Some((MergeStrategy::Scd2, _)));
    let given = [
        ("validity", table.validity.as_ref().map(|(_, _, span)| *span)),
        ("active_record_timestamp", table.active_record_timestamp.as_ref().map(|(_, span)| *span)),
        ("boundary_timestamp", table.boundary_timestamp.as_ref().map(|(_, span)| *span)),
    ];
    for (key, span) in given {
        if let Some(span) = span.filter(|_| !is_scd2) {
            let help = "add `write = merge, strategy = scd2`";
            errors.add(span, format!("`{key}` is for tables that keep versions of rows"), help);
        }
    }
    let Body::Row(fields) = &table.body else { return };
    let Some((from, to, span)) = &table.validity else { return };
    if let Some(field) = fields.iter().find(|f| !f.flatten && (f.name == *from || f.name == *to)) {
        let message = format!("`{}` is a column of the struct already", field.name);
        errors.add(*span, message, "the columns of validity are made by loads: give them other names");
    }
}

/// A merge needs to know which rows are the same.
fn write(table: &Table, errors: &mut Errors) {
    versions(table, errors);
    let merges = matches!(table.write, Some((WriteDisposition::Merge, _)));
    if let Some((strategy, span)) = table.strategy {
        if !merges {
            let help = "add `write = merge`";
            errors.add(span, format!("the strategy `{strategy}` is one of merges"), help);
            return;
        }
        let by_primary_key =
            matches!(strategy, MergeStrategy::Upsert | MergeStrategy::InsertOnly | MergeStrategy::Cdc);
        if by_primary_key && table.primary_key.is_empty() {
            let help = "add `primary_key = \"...\"`";
            errors.add(
                span,
                format!("`{strategy}` finds rows by their primary key, and there is none"),
                help,
            );
        }
    }
    if let (Some((_, span)), true) = (table.write, merges) {
        let is_keyless = table.primary_key.is_empty() && table.merge_key.is_empty();
        if is_keyless && !matches!(table.strategy, Some((_, _))) {
            let help = "add `primary_key = \"...\"` or `merge_key = \"...\"`";
            errors.add(span, "a merge without a key would only append", help);
        }
    }
}
