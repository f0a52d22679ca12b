//! Structs for rows.

use std::collections::{BTreeSet, HashMap, HashSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::ident::Names;
use super::text;
use crate::api::Api;
use crate::shape::{Record, Scalar, Shape};
use crate::words::{pascal, singular, snake};

/// Names of the structs of records that resources use.
pub(super) struct Rows {
    pub(super) names: HashMap<usize, String>,
    /// Records by the order in which they are first used.
    pub(super) order: Vec<usize>,
    /// The modules that use a record.
    pub(super) users: HashMap<usize, BTreeSet<usize>>,
    /// Table and key of records that are rows.
    pub(super) tables: HashMap<usize, (String, Vec<String>)>,
}

impl Rows {
    /// Names all records that resources need; `modules` has the number of the module of each resource.
    pub(super) fn new(api: &Api, modules: &[usize], names: &mut Names) -> Self {
        let mut rows =
            Self { names: HashMap::new(), order: Vec::new(), users: HashMap::new(), tables: HashMap::new() };
        for (resource, module) in api.resources.iter().zip(modules) {
            let Shape::Record(record) = resource.row else { continue };
            if has_key(api, record, &resource.primary_key) {
                let table = (resource.table.clone(), resource.primary_key.clone());
                rows.tables.entry(record).or_insert(table);
            }
            let hint = singular(&snake(&resource.name));
            rows.add(api, record, &hint, *module, names);
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
                let mut shape = &field.shape;
                while let Shape::List(item) = shape {
                    shape = item;
                }
                if let Shape::Record(inner) = shape {
                    waiting.push((*inner, format!("{name}{}", pascal(&singular(&snake(&field.name))))));
                }
            }
        }
    }

    /// The struct of a record.
    pub(super) fn definition(&self, api: &Api, at: usize) -> Option<TokenStream> {
        let record = api.records.get(at)?;
        let name = ident(self.names.get(&at)?);
        let doc = text::doc(&record.description, &format!("Rows of {}.", self.names.get(&at)?));
        let table = self.tables.get(&at).map(|(table, key)| {
            let key = match key.as_slice() {
                [] => quote!(),
                [one] => quote!(, primary_key = #one),
                several => quote!(, primary_key(#(#several),*)),
            };
            quote!(#[table(name = #table #key)])
        });
        let key = self.tables.get(&at).map(|(_, key)| key.as_slice()).unwrap_or_default();
        let fields = self.fields(record, key);
        Some(quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, Deserialize, Table)]
            #table
            pub struct #name { #(#fields)* }
        })
    }

    /// The fields. Those of the key are always there, whatever the document says: rows are told apart by them.
    fn fields(&self, record: &Record, key: &[String]) -> Vec<TokenStream> {
        let mut names = Names::default();
        let naming = floe_schema::Naming::snake_case();
        let mut columns = HashSet::new();
        let mut out = Vec::new();
        for field in &record.fields {
            // two names that are one column: the first one has it
            if !columns.insert(naming.path(&field.name)) {
                continue;
            }
            let name = names.value(&field.name);
            let rename = (name != field.name).then(|| {
                let name = &field.name;
                quote!(#[serde(rename = #name)])
            });
            let doc = (!field.description.is_empty()).then(|| {
                let doc = text::doc(&field.description, &field.name);
                quote!(#[doc = #doc])
            });
            let name = ident(&name);
            let shape = self.type_of(&field.shape);
            let nullable = field.nullable && !key.iter().any(|k| naming.path(k) == naming.path(&field.name));
            let shape = if nullable { quote!(Option<#shape>) } else { shape };
            out.push(quote!(#doc #rename pub #name: #shape,));
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
        fields
            .iter()
            .filter_map(|field| {
                let mut shape = &field.shape;
                while let Shape::List(item) = shape {
                    shape = item;
                }
                match shape {
                    Shape::Record(inner) => Some(*inner),
                    _ => None,
                }
            })
            .collect()
    }
}

/// Whether the columns of a key are fields of the record itself. Those of nested records may be missing with them,
/// so such rows have no type that could promise the key.
fn has_key(api: &Api, record: usize, key: &[String]) -> bool {
    let naming = floe_schema::Naming::snake_case();
    let fields = api.records.get(record).map(|r| r.fields.as_slice()).unwrap_or_default();
    let is_field = |key: &String| {
        fields
            .iter()
            .find(|field| naming.path(&field.name) == naming.path(key))
            .is_some_and(|field| matches!(field.shape, Shape::Scalar(_)))
    };
    key.iter().all(is_field)
}

pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
