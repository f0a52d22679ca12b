//! Tables of a connector: which record their rows are, what identifies them, and what was frozen of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use floe_schema::Naming;
use proc_macro2::TokenStream;
use quote::quote;

use super::contract;
use super::rows::record_of;
use crate::api::{Api, Resource};
use crate::shape::{Field, Record, Shape};

/// Rows of a struct.
pub(super) struct Table {
    pub(super) record: usize,
    /// Columns of the primary key.
    pub(super) key: Vec<String>,
    /// What rows get from those of their parents: keys and shapes.
    pub(super) extra: Vec<(String, Shape)>,
    /// Whether it needs a struct around that of the record: another table has that one, or there is more.
    pub(super) wraps: bool,
    pub(super) wrapper: Option<String>,
    /// The module of the first resource with such rows.
    pub(super) module: usize,
    /// The frozen schema; none if two fields are one column, which only data can decide.
    pub(super) contract: Option<String>,
}

impl Table {
    /// The attribute of the struct.
    pub(super) fn attribute(&self, name: &str) -> TokenStream {
        let key = match self.key.as_slice() {
            [] => quote!(),
            [one] => quote!(, primary_key = #one),
            several => quote!(, primary_key(#(#several),*)),
        };
        // APIs give more than their documents say: what is unknown is dropped and counted
        let contract = self.contract.as_ref().map(|_| quote!(, contract = discard_value));
        quote!(#[table(name = #name #key #contract)])
    }
}

/// All tables whose rows have a struct.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) by_name: BTreeMap<String, Table>,
    /// Columns of records that are part of a key somewhere, so that they are always there.
    keys: HashMap<usize, HashSet<String>>,
}

impl Tables {
    pub(super) fn new(api: &Api, modules: &[usize]) -> Self {
        let naming = Naming::snake_case();
        let mut tables = Self::default();
        let mut claimed = HashSet::new();
        for (resource, module) in api.resources.iter().zip(modules) {
            let Shape::Record(record) = resource.row else { continue };
            let key: Vec<String> = resource.primary_key.iter().map(|k| naming.path(k)).collect();
            let name = naming.path(&resource.table);
            let known = tables.by_name.get(&name);
            if !has_key(api, record, &key) || known.is_some_and(|t| t.record != record || t.key != key) {
                continue;
            }
            tables.keys.entry(record).or_default().extend(key.iter().cloned());
            let table = tables.by_name.entry(name).or_insert_with(|| Table {
                record,
                key,
                extra: Vec::new(),
                wraps: !claimed.insert(record),
                wrapper: None,
                module: *module,
                contract: None,
            });
            for (key, shape) in extra(api, resource) {
                let column = naming.key(&key);
                let is_known = |name: &str| naming.key(name) == column;
                let fields = api.records.get(record).map(|r| r.fields.as_slice()).unwrap_or_default();
                if !table.extra.iter().any(|(k, _)| is_known(k)) && !fields.iter().any(|f| is_known(&f.name))
                {
                    table.extra.push((key, shape));
                }
            }
        }
        tables.wrap(api);
        let contracts: Vec<_> =
            tables.by_name.iter().map(|(name, table)| contract::text(api, &tables, name, table)).collect();
        tables.by_name.values_mut().zip(contracts).for_each(|(table, text)| table.contract = text);
        tables
    }

    /// Rows with more than their record have a struct of their own where the record is used elsewhere, too.
    fn wrap(&mut self, api: &Api) {
        let mut uses: HashMap<usize, usize> = HashMap::new();
        let nested = api.records.iter().flat_map(|r| &r.fields).filter_map(|f| record_of(&f.shape));
        for record in self.by_name.values().map(|table| table.record).chain(nested) {
            *uses.entry(record).or_default() += 1;
        }
        for table in self.by_name.values_mut() {
            table.wraps |= !table.extra.is_empty() && uses.get(&table.record).is_some_and(|n| *n > 1);
        }
    }

    /// The table of a resource, if its rows have a struct.
    pub(super) fn of(&self, resource: &Resource) -> Option<&Table> {
        let naming = Naming::snake_case();
        let Shape::Record(record) = resource.row else { return None };
        let is_key = |key: &[String]| {
            resource.primary_key.len() == key.len()
                && resource.primary_key.iter().zip(key).all(|(a, b)| naming.path(a) == *b)
        };
        let table = self.by_name.get(&naming.path(&resource.table))?;
        (table.record == record && is_key(&table.key)).then_some(table)
    }

    /// The fields of a record as its struct has them, and whether they may be null. Those of a key are always
    /// there, whatever the document says: rows are told apart by them. Of two that are one column, the first
    /// has it.
    pub(super) fn fields<'r>(&self, record: &'r Record, at: usize) -> Vec<(&'r Field, bool)> {
        let naming = Naming::snake_case();
        let mut columns = HashSet::new();
        let mut out = Vec::new();
        for field in &record.fields {
            let column = naming.key(&field.name);
            let is_key = self.keys.get(&at).is_some_and(|keys| keys.contains(&column));
            if columns.insert(column) {
                out.push((field, field.nullable && !is_key));
            }
        }
        out
    }
}

/// What the rows of a resource get from those of its parent.
fn extra(api: &Api, resource: &Resource) -> Vec<(String, Shape)> {
    let Some(parent) = &resource.parent else { return Vec::new() };
    let of = api.resources.iter().find(|r| r.name == parent.resource);
    let record = of.and_then(|of| api.record(of));
    let shape = |field: &str| {
        let known = record.and_then(|r| r.fields.iter().find(|f| f.name == field));
        match known.map(|f| &f.shape) {
            Some(Shape::Scalar(scalar)) => Shape::Scalar(*scalar),
            _ => Shape::Json,
        }
    };
    let fields = resource.include_from_parent.iter();
    fields.map(|field| (format!("_{}_{field}", parent.resource), shape(field))).collect()
}

/// Whether the columns of a key are fields of the record itself. Those of nested records may be missing with them,
/// so such rows have no type that could promise the key.
fn has_key(api: &Api, record: usize, key: &[String]) -> bool {
    let naming = Naming::snake_case();
    let fields = api.records.get(record).map(|r| r.fields.as_slice()).unwrap_or_default();
    let is_field = |key: &String| {
        let field = fields.iter().find(|field| naming.key(&field.name) == *key);
        field.is_some_and(|field| matches!(field.shape, Shape::Scalar(_)))
    };
    key.iter().all(is_field)
}
