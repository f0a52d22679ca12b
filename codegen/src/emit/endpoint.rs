//! Functions for resources: everything that names the REST client is here.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::rows::{Rows, ident};
use super::text;
use crate::api::{Paginator, Resource};

/// The function of a resource.
pub(super) fn function(
    resource: &Resource,
    function: &str,
    source: &str,
    rows: &Rows,
    params: &Params,
) -> TokenStream {
    let source = ident(source);
    let doc = text::doc(&format!("{} {}", resource.method, text::line(&resource.path, 80)), "");
    let about = text::doc(&resource.description, "");
    let about = (about.trim() != "").then(|| quote!(#[doc = #about]));
    let about = about.map_or_else(|| quote!(#[doc = #doc]), |about| quote!(#about #[doc = ""] #[doc = #doc]));
    let deprecated = resource.deprecated.then(|| quote!(#[doc = ""] #[doc = " Deprecated by the API."]));
    let arguments = arguments(resource, function, rows);
    let calls = calls(resource, params);
    let path = path(&resource.path);
    let name = ident(function);
    quote! {
        #about
        #deprecated
        #[resource(#(#arguments),*)]
        pub fn #name(api: &#source) -> Endpoint {
            api.get(#path) #(#calls)*
        }
    }
}

fn arguments(resource: &Resource, function: &str, rows: &Rows) -> Vec<TokenStream> {
    let mut out = Vec::new();
    if let Some(name) = rows.type_of_rows(resource) {
        let name = ident(name);
        out.push(quote!(table = #name));
    }
    if function != resource.name {
        let name = &resource.name;
        out.push(quote!(name = #name));
    }
    let write = ident(resource.write_disposition);
    out.push(quote!(write = #write));
    // structs say it themselves; parents and cursors are those of the endpoint
    match resource.primary_key.as_slice() {
        _ if rows.type_of_rows(resource).is_some() => {}
        [] => {}
        [key] => out.push(quote!(primary_key = #key)),
        keys => out.push(quote!(primary_key(#(#keys),*))),
    }
    if !resource.selected {
        out.push(quote!(selected = false));
    }
    out
}

/// Which field of the source has the value of a parameter.
pub(super) type Params = std::collections::HashMap<String, String>;

fn calls(resource: &Resource, params: &Params) -> Vec<TokenStream> {
    let mut out = Vec::new();
    for required in &resource.required {
        let Some(field) = params.get(&required.name) else { continue };
        let (name, field) = (&required.name, ident(field));
        out.push(if required.in_path {
            quote!(.path(#name, api.#field.as_str()))
        } else {
            quote!(.query(#name, api.#field.as_str()))
        });
    }
    for (name, value) in &resource.query {
        let value = literal(value);
        out.push(quote!(.query(#name, #value)));
    }
    if let Some((name, size)) = resource.paginator.as_ref().and_then(|p| p.page_size.as_ref()) {
        let size = plain(*size);
        out.push(quote!(.query(#name, #size)));
    }
    if resource.data_path != "$" {
        let path = &resource.data_path;
        out.push(quote!(.data(#path)));
    }
    if let Some(paginator) = &resource.paginator {
        let paginator = paginator_expression(paginator);
        out.push(quote!(.paginate(#paginator)));
    }
    if let Some(parent) = &resource.parent {
        let name = &parent.resource;
        let bindings = parent.bindings.iter().map(|(param, field)| quote!((#param, #field)));
        out.push(quote!(.parent(#name, [#(#bindings),*])));
    }
    if !resource.include_from_parent.is_empty() {
        let fields = &resource.include_from_parent;
        out.push(quote!(.include_from_parent([#(#fields),*])));
    }
    if let Some(incremental) = &resource.incremental {
        let (cursor, start) = (&incremental.cursor_path, &incremental.start_param);
        let format = ident(match incremental.format {
            "date" => "Date",
            "unix" => "UnixSeconds",
            "unix_ms" => "UnixMillis",
            _ => "Iso",
        });
        out.push(quote!(.since(#cursor, #start, TimeFormat::#format)));
        if let Some(end) = &incremental.end_param {
            out.push(quote!(.until(#end)));
        }
    }
    out
}

fn paginator_expression(paginator: &Paginator) -> TokenStream {
    let text = |key: &str| paginator.params.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |key: &str| paginator.params.get(key).and_then(Value::as_i64);
    let path = |key: &str| paginator.paths.get(key);
    let mut out = match paginator.kind {
        "header_link" => quote!(Paginator::header_link()),
        "json_link" => {
            let next = path("next_url_path");
            quote!(Paginator::json_link(#next))
        }
        "offset" => {
            let limit = plain(number("limit").unwrap_or(100).max(1));
            let offset = text("offset_param");
            let first = number("offset").map(|n| {
                let n = plain(n);
                quote!(.first(#n))
            });
            let limit_param = match text("limit_param").as_str() {
                "" => quote!(.without_limit_param()),
                param => quote!(.limit_param(#param)),
            };
            quote!(Paginator::offset(#limit).param(#offset) #limit_param #first)
        }
        "page_number" => {
            let (first, page) = (plain(number("base_page").unwrap_or(1)), text("page_param"));
            quote!(Paginator::page_number().first(#first).param(#page))
        }
        "cursor" => {
            let (cursor, param) = (path("cursor_path").cloned().unwrap_or_default(), text("cursor_param"));
            match cursor.split_once("[-1].") {
                Some((_, key)) => quote!(Paginator::last_record(#key).param(#param)),
                None => quote!(Paginator::cursor(#cursor).param(#param)),
            }
        }
        "header_cursor" => {
            let (header, param) = (text("cursor_key"), text("cursor_param"));
            quote!(Paginator::header_cursor(#header).param(#param))
        }
        _ => quote!(Paginator::single_page()),
    };
    if let Some(total) = path("total_path") {
        out.extend(quote!(.total(#total)));
    }
    if let Some(more) = path("has_more_path") {
        out.extend(quote!(.has_more(#more)));
    }
    out
}

fn literal(value: &Value) -> TokenStream {
    match value {
        Value::Bool(flag) => quote!(#flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => {
                let number = plain(number);
                quote!(#number)
            }
            (None, Some(number)) if number.is_finite() => quote!(#number),
            _ => {
                let text = number.to_string();
                quote!(#text)
            }
        },
        // a brace would be a placeholder
        Value::String(text) => {
            let text = text.replace('{', "{{").replace('}', "}}");
            quote!(#text)
        }
        other => {
            let text = other.to_string();
            quote!(#text)
        }
    }
}

/// A number without the name of its type.
fn plain(number: i64) -> proc_macro2::Literal {
    proc_macro2::Literal::i64_unsuffixed(number)
}

/// The path without what is only there to tell operations apart.
pub(super) fn path(path: &str) -> String {
    path.split('#').next().unwrap_or_default().to_owned()
}
