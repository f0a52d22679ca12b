//! Structs for rows.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::ident::Names;
use super::tables::Tables;
use super::text;
use crate::api::{Api, Resource};
use crate::shape::{Record, Scalar, Shape};
use crate::words::{pascal, singular, snake};

/// The structs of a connector: those of records, and those of tables whose rows have more columns than a record.
pub(super) struct Rows {
    /// Names of the structs of records that resources use.
    pub(super) names: HashMap<usize, String>,
    /// Records by the order in which they are first used.
    pub(super) order: Vec<usize>,
    /// The modules that use a record.
    pub(super) users: HashMap<usize, BTreeSet<usize>>,
    pub(super) tables: Tables,
}

impl Rows {
    /// Names all records that resources need; `modules` has the number of the module of each resource.
    pub(super) fn new(api: &Api, modules: &[usize], names: &mut Names) -> Self {
        let tables = Tables::new(api, modules);
        let mut rows = Self { names: HashMap::new(), order: Vec::new(), users: HashMap::new(), tables };
        for (resource, module) in api.resources.iter().zip(modules) {
            if let (Shape::Record(record), true) = (&resource.row, rows.tables.of(resource).is_some()) {
                let hint = singular(&snake(&resource.name));
                rows.add(api, *record, &hint, *module, names);
            }
        }
        for (name, table) in &mut rows.tables.by_name {
            if table.wraps {
                table.wrapper = Some(names.type_(&format!("{}_row", singular(name))));
            }
        }
        rows
    }

    fn add(&mut self, api: &Api, root: usize, hint: &str, module: usize, names: &mut Names) {
        let mut waiting = vec![(root, hint.to_owned())];
        while let Some((at, hint)) = waiting.pop() {
            if !self.users.entry(at).or_default().insert(module) {
                continue;
            }
            let Some(record) = api.records.get(at) else { continue };
            let named = record.name.chars().any(|c| c.is_ascii_alphabetic());
            let name = match self.names.get(&at) {
                Some(name) => name.clone(),
                None => {
                    let name = names.type_(if named { &record.name } else { &hint });
                    self.names.insert(at, name.clone());
                    self.order.push(at);
                    name
                }
            };
            for field in &record.fields {
                if let Some(inner) = record_of(&field.shape) {
                    waiting.push((inner, format!("{name}{}", pascal(&singular(&snake(&field.name))))));
                }
            }
        }
    }

    /// The struct of a resource's rows, if they have one.
    pub(super) fn type_of_rows(&self, resource: &Resource) -> Option<&str> {
        let table = self.tables.of(resource)?;
        table.wrapper.as_deref().or_else(|| self.names.get(&table.record).map(String::as_str))
    }

    /// The struct of a record.
    pub(super) fn definition(&self, api: &Api, at: usize) -> Option<TokenStream> {
        let record = api.records.get(at)?;
        let name = self.names.get(&at)?;
        let doc = text::doc(&record.description, &format!("Rows of {name}."));
        let table = self.tables.by_name.iter().find(|(_, t)| t.record == at && t.wrapper.is_none());
        let mut names = Names::default();
        let mut fields = self.fields(record, at, &mut names);
        fields.extend(table.iter().flat_map(|(_, table)| self.extra(table, &mut names)));
        let table = table.map(|(name, table)| table.attribute(name));
        let name = ident(name);
        Some(quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, Deserialize, Table)]
            #table
            pub struct #name { #(#fields)* }
        })
    }

    /// The structs of tables with more than a record, in a module.
    pub(super) fn wrappers(&self, module: usize) -> Vec<TokenStream> {
        let own = self.tables.by_name.iter().filter(|(_, table)| table.module == module);
        own.filter_map(|(name, table)| self.wrapper(name, table)).collect()
    }

    fn wrapper(&self, table_name: &str, table: &super::tables::Table) -> Option<TokenStream> {
        let name = ident(table.wrapper.as_deref()?);
        let row = ident(self.names.get(&table.record)?);
        let doc = format!(" Rows of the table `{table_name}`.");
        let attribute = table.attribute(table_name);
        let mut names = Names::default();
        names.value("row");
        let extra = self.extra(table, &mut names);
        Some(quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, Deserialize, Table)]
            #attribute
            pub struct #name {
                #[doc = " What the API gives."]
                #[serde(flatten)]
                pub row: #row,
                #(#extra)*
            }
        })
    }

    /// Fields for what rows get from those of their parents.
    fn extra(&self, table: &super::tables::Table, names: &mut Names) -> Vec<TokenStream> {
        let fields = table.extra.iter().map(|(key, shape)| {
            let field = ident(&names.value(key.trim_start_matches('_')));
            let doc = text::doc(&format!("Of the parent: {}.", key.trim_start_matches('_')), "");
            let shape = self.type_of(shape);
            quote!(#[doc = #doc] #[serde(rename = #key)] pub #field: Option<#shape>,)
        });
        fields.collect()
    }

    fn fields(&self, record: &Record, at: usize, names: &mut Names) -> Vec<TokenStream> {
        let mut out = Vec::new();
        for (field, nullable) in self.tables.fields(record, at) {
            let name = names.value(&field.name);
            let rename = (name != field.name).then(|| {
                let name = &field.name;
                quote!(#[serde(rename = #name)])
            });
            let doc = text::doc(&field.description, &format!("The field {}.", field.name));
            let name = ident(&name);
            let shape = self.type_of(&field.shape);
            let shape = if nullable { quote!(Option<#shape>) } else { shape };
            out.push(quote!(#[doc = #doc] #rename pub #name: #shape,));
        }
        out
    }

    fn type_of(&self, shape: &Shape) -> TokenStream {
        match shape {
            Shape::Json => quote!(Json),
            Shape::List(item) => {
                let item = self.type_of(item);
                quote!(Vec<#item>)
            }
            Shape::Record(at) => match self.names.get(at) {
                Some(name) => {
                    let name = ident(name);
                    quote!(#name)
                }
                None => quote!(Json),
            },
            Shape::Scalar(scalar) => match scalar {
                Scalar::Bool => quote!(bool),
                Scalar::Integer => quote!(i64),
                Scalar::Number => quote!(f64),
                Scalar::Text => quote!(String),
                Scalar::Timestamp => quote!(DateTime<Utc>),
                Scalar::Date => quote!(NaiveDate),
                Scalar::Time => quote!(NaiveTime),
            },
        }
    }

    /// The structs that a record names directly.
    pub(super) fn uses(&self, api: &Api, at: usize) -> Vec<usize> {
        let fields = api.records.get(at).map(|r| r.fields.as_slice()).unwrap_or_default();
        fields.iter().filter_map(|field| record_of(&field.shape)).collect()
    }
}

/// The record in a shape, under lists.
pub(super) fn record_of(mut shape: &Shape) -> Option<usize> {
    while let Shape::List(item) = shape {
        shape = item;
    }
    match shape {
        Shape::Record(inner) => Some(*inner),
        _ => None,
    }
}

pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
