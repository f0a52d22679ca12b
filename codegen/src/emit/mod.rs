//! Printing: a connector crate, or a declarative document.

mod contract;
mod endpoint;
mod files;
mod ident;
mod project;
mod rows;
mod sample;
mod source;
mod tables;
mod text;
pub(crate) mod yaml;

pub use files::{File, Files, HEADER};

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use crate::api::{Api, Resource};
use crate::error::{Error, Result};
use crate::words::{pascal, snake};
use ident::Names;
use rows::{Rows, ident};

/// Resources or structs in one file.
const PER_MODULE: usize = 120;

/// What a connector is called and where floe comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The name of the crate; made of the title without it.
    pub name: Option<String>,
    /// A folder with floe's sources, for crates that do not take it from the registry.
    pub floe_path: Option<String>,
}

/// Everything that the files have in common.
struct Plan<'a> {
    api: &'a Api,
    /// The name of the crate.
    name: String,
    /// The name of the struct of the source.
    source: String,
    modules: Vec<Module>,
    /// The function of each resource.
    functions: Vec<String>,
    rows: Rows,
    /// Modules of structs that several modules use.
    shared: BTreeMap<String, Vec<usize>>,
    /// The module of each struct.
    homes: BTreeMap<usize, String>,
    params: endpoint::Params,
}

struct Module {
    name: String,
    resources: Vec<usize>,
}

/// The files of a connector.
pub fn connector(api: &Api, options: &Options) -> Result<Files> {
    let plan = Plan::new(api, options);
    let mut files = Files::default();
    for (at, module) in plan.modules.iter().enumerate() {
        files.generated(format!("src/{}.rs", module.name), plan.module(at, module)?);
    }
    for (name, records) in &plan.shared {
        files.generated(format!("src/{name}.rs"), plan.structs(name, records)?);
    }
    files.generated("src/source.rs", print(source::tokens(&plan), &api.title)?);
    files.generated("src/lib.rs", print(plan.library(), &api.title)?);
    for (name, table) in &plan.rows.tables.by_name {
        if let Some(text) = &table.contract {
            // frozen: what changes is accepted by people
            files.yours(format!("contracts/{name}.contract"), text);
        }
    }
    project::add(&plan, options, &mut files)?;
    Ok(files)
}

impl<'a> Plan<'a> {
    fn new(api: &'a Api, options: &Options) -> Self {
        let mut words = Names::default();
        let title = options.name.as_deref().unwrap_or(&api.title);
        let name = crate_name(title);
        let mut types = Names::default();
        let source = types.type_(if title.is_empty() { "Api" } else { title });
        let (modules, module_of) = modules(api, &mut words);
        let rows = Rows::new(api, &module_of, &mut types);
        let mut functions = Names::default();
        let functions = api.resources.iter().map(|r| functions.value(&r.name)).collect();
        let (shared, homes) = homes(&rows, &modules, &mut words);
        let params = source::params(api);
        Self { api, name, source, modules, functions, rows, shared, homes, params }
    }

    /// A module with resources and the structs that only they use.
    fn module(&self, at: usize, module: &Module) -> Result<String> {
        let functions: Vec<TokenStream> = module
            .resources
            .iter()
            .filter_map(|i| {
                let resource = self.api.resources.get(*i)?;
                Some(endpoint::function(
                    resource,
                    self.functions.get(*i)?,
                    &self.source,
                    &self.rows,
                    &self.params,
                ))
            })
            .collect();
        let own: Vec<usize> =
            self.rows.order.iter().copied().filter(|r| self.homes.get(r) == Some(&module.name)).collect();
        let mut structs = self.rows.wrappers(at);
        structs.extend(own.iter().filter_map(|r| self.rows.definition(self.api, *r)));
        let mut used: BTreeSet<usize> = own.iter().flat_map(|r| self.rows.uses(self.api, *r)).collect();
        let mut wrappers = Vec::new();
        for resource in module.resources.iter().filter_map(|i| self.api.resources.get(*i)) {
            match self.rows.tables.of(resource) {
                Some(table) if table.wrapper.is_none() => {
                    used.insert(table.record);
                }
                Some(table) if table.module != at => wrappers.push(table),
                _ => {}
            }
        }
        let here = self.rows.tables.by_name.values().filter(|t| t.module == at && t.wrapper.is_some());
        used.extend(here.map(|t| t.record));
        let imports = self.imports(&module.name, &used, &wrappers);
        let source = ident(&self.source);
        let resources = module.resources.iter().filter_map(|i| self.api.resources.get(*i));
        let rest = rest_imports(resources, !module.resources.is_empty());
        let doc = format!(" Resources of the group `{}`.", module.name);
        let (chrono, serde) = type_imports(&structs);
        let tokens = quote! {
            #![doc = #doc]
            #chrono
            use floe::prelude::*;
            #rest
            #serde
            #imports
            use crate::source::#source;
            #(#functions)*
            #(#structs)*
        };
        print(tokens, &self.api.title)
    }

    fn structs(&self, name: &str, records: &[usize]) -> Result<String> {
        let structs: Vec<TokenStream> =
            records.iter().filter_map(|r| self.rows.definition(self.api, *r)).collect();
        let used: BTreeSet<usize> = records.iter().flat_map(|r| self.rows.uses(self.api, *r)).collect();
        let imports = self.imports(name, &used, &[]);
        let (chrono, serde) = type_imports(&structs);
        let tokens = quote! {
            #![doc = " Rows that several groups of resources have in common."]
            #chrono
            use floe::prelude::*;
            #serde
            #imports
            #(#structs)*
        };
        print(tokens, &self.api.title)
    }

    /// `use` of structs that live in other modules.
    fn imports(&self, module: &str, used: &BTreeSet<usize>, wrappers: &[&tables::Table]) -> TokenStream {
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for table in wrappers {
            if let (Some(home), Some(name)) = (self.modules.get(table.module), &table.wrapper) {
                found.entry(&home.name).or_default().insert(name);
            }
        }
        for record in used {
            if let (Some(home), Some(name)) = (self.homes.get(record), self.rows.names.get(record))
                && home != module
            {
                found.entry(home).or_default().insert(name);
            }
        }
        let lines = found.iter().map(|(home, names)| {
            let home = ident(home);
            let names = names.iter().map(|n| ident(n));
            quote!(use crate::#home::{#(#names),*};)
        });
        quote!(#(#lines)*)
    }

    fn library(&self) -> TokenStream {
        let title = text::doc(&self.api.title, &self.name);
        let modules =
            self.modules.iter().map(|m| m.name.as_str()).chain(self.shared.keys().map(String::as_str));
        let modules: BTreeSet<&str> = modules.collect();
        let modules = modules.into_iter().map(ident);
        let source = ident(&self.source);
        quote! {
            #![doc = #title]
            #![doc = ""]
            #![doc = " The resources are functions, one module for each group. See README.md for what was found and what was guessed."]
            #(pub mod #modules;)*
            mod source;
            pub use source::#source;
        }
    }
}

/// `my_api` of `My API (v2)!`.
fn crate_name(title: &str) -> String {
    let mut names = Names::default();
    let name = names.module(title);
    let name: String = name.trim_start_matches('_').chars().take(40).collect();
    let name = name.trim_matches('_').to_owned();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("api_{name}")
    } else {
        name
    }
}

/// Resources by their group, large groups in several parts.
fn modules(api: &Api, names: &mut Names) -> (Vec<Module>, Vec<usize>) {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, resource) in api.resources.iter().enumerate() {
        groups.entry(&resource.group).or_default().push(at);
    }
    let mut modules = Vec::new();
    let mut module_of = vec![0; api.resources.len()];
    // many groups of one resource each are one group
    let small: Vec<usize> = if groups.len() > 40 {
        groups.values().filter(|g| g.len() == 1).flatten().copied().collect()
    } else {
        Vec::new()
    };
    let mut parts: Vec<(&str, Vec<usize>)> = Vec::new();
    for (name, resources) in groups {
        if resources.len() == 1 && !small.is_empty() {
            continue;
        }
        parts.extend(resources.chunks(PER_MODULE).map(|chunk| (name, chunk.to_vec())));
    }
    parts.extend(small.chunks(PER_MODULE).map(|chunk| ("other", chunk.to_vec())));
    for (name, resources) in parts {
        for at in &resources {
            if let Some(slot) = module_of.get_mut(*at) {
                *slot = modules.len();
            }
        }
        modules.push(Module { name: names.module(name), resources });
    }
    (modules, module_of)
}

type Homes = (BTreeMap<String, Vec<usize>>, BTreeMap<usize, String>);

/// Where each struct is: with the resources that use it, or among the shared ones.
fn homes(rows: &Rows, modules: &[Module], names: &mut Names) -> Homes {
    let mut homes = BTreeMap::new();
    let mut common: Vec<usize> = Vec::new();
    for record in &rows.order {
        let users = rows.users.get(record);
        match users.filter(|u| u.len() == 1).and_then(|u| modules.get(*u.first()?)) {
            Some(module) => {
                homes.insert(*record, module.name.clone());
            }
            None => common.push(*record),
        }
    }
    let mut shared = BTreeMap::new();
    for chunk in common.chunks(PER_MODULE) {
        let name = names.module("rows");
        homes.extend(chunk.iter().map(|record| (*record, name.clone())));
        shared.insert(name, chunk.to_vec());
    }
    (shared, homes)
}

fn rest_imports<'r>(resources: impl Iterator<Item = &'r Resource>, any: bool) -> TokenStream {
    let (mut paginator, mut time) = (false, false);
    for resource in resources {
        paginator |= resource.paginator.is_some();
        time |= resource.incremental.is_some();
    }
    let paginator = paginator.then(|| quote!(, Paginator));
    let time = time.then(|| quote!(, TimeFormat));
    if any { quote!(use floe::rest::{Endpoint #paginator #time};) } else { quote!() }
}

/// `use` lines for what structs need of other crates: chrono and serde.
fn type_imports(structs: &[TokenStream]) -> (Option<TokenStream>, Option<TokenStream>) {
    fn idents(tokens: TokenStream, found: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => drop(found.insert(ident.to_string())),
                TokenTree::Group(group) => idents(group.stream(), found),
                _ => {}
            }
        }
    }
    let mut used = BTreeSet::new();
    structs.iter().for_each(|tokens| idents(tokens.clone(), &mut used));
    let times = ["DateTime", "NaiveDate", "NaiveTime", "Utc"].into_iter().filter(|name| used.contains(*name));
    let times: Vec<_> = times.map(ident).collect();
    let chrono = (!times.is_empty()).then(|| quote!(use chrono::{#(#times),*};));
    let serde = (!structs.is_empty()).then(|| {
        quote!(
            use serde::Deserialize;
        )
    });
    (chrono, serde)
}

/// Formats tokens. That they parse is what makes them safe to write.
fn print(tokens: TokenStream, title: &str) -> Result<String> {
    let file: syn::File = syn::parse2(tokens).map_err(|e| {
        Error::new(format!("generated code does not parse: {e}"))
            .help(format!("this is a bug; please report it with the document `{}`", text::line(title, 60)))
    })?;
    Ok(format!("// {HEADER}\n\n{}", spaced(&prettyplease::unparse(&file))))
}

/// Blank lines between items, and between groups of `use`.
fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 20);
    let mut before = "";
    for line in text.lines() {
        let starts = |words: &[&str]| words.iter().any(|w| line.starts_with(w));
        let import =
            |line: &str| line.starts_with("use ") || line.starts_with("};") || line.starts_with("    ");
        // std, then other crates, then this one
        let own = |line: &str| line.starts_with("use crate::") || line.starts_with("use std::");
        let after_item = (before == "}" || before == "];") && !line.is_empty();
        let after_docs = before.starts_with("//!") && !line.starts_with("//!");
        let after_imports = (before.starts_with("use ") || before == "};") && !import(line);
        let groups = before.starts_with("use ") && line.starts_with("use ") && own(before) != own(line);
        let source = before == "mod source;" || line == "mod source;" && starts(&["mod"]);
        if after_item || after_docs || after_imports || groups || source {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        before = line;
    }
    out
}

/// A name for people: `My API` of `my_api`.
fn pipeline_name(name: &str) -> String {
    snake(&pascal(name)).chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
