//! What a derive becomes: a constant, a function that writes a value, and checks of the constant.

use std::path::Path;

use floe_schema::{Mode, SortOrder};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Generics, Ident, LitStr, Type, parse_quote};

use super::ast::{Arm, ArmKind, Body, Field, Table};

pub(crate) fn expand(table: &Table) -> TokenStream {
    let (shape, write) = match &table.body {
        Body::Row(fields) => row(fields),
        Body::Newtype(inner) => newtype(inner),
        Body::Words(words) => self::words(words),
        Body::Wide { tag, variants } => wide(tag, variants),
        Body::Json => json(),
    };
    let generics = bound(&table.generics);
    let (impl_generics, types, bounds) = generics.split_for_impl();
    let ident = &table.ident;
    let table_impl = matches!(table.body, Body::Row(_) | Body::Wide { .. }).then(|| {
        let value = constant(table);
        quote! {
            #[automatically_derived]
            impl #impl_generics ::floe::Table for #ident #types #bounds {
                const TABLE: ::floe::__private::TableDef = #value;
            }
        }
    });
    let checks = checks(table);
    quote! {
        #[automatically_derived]
        impl #impl_generics ::floe::Field for #ident #types #bounds {
            const SHAPE: ::floe::__private::Shape = #shape;
            #write
        }
        #table_impl
        #checks
    }
}

/// What stands in for a type that has errors.
pub(crate) fn stub(input: &DeriveInput) -> TokenStream {
    let generics = bound(&input.generics);
    let (impl_generics, types, bounds) = generics.split_for_impl();
    let ident = &input.ident;
    quote! {
        impl #impl_generics ::floe::Field for #ident #types #bounds {
            const SHAPE: ::floe::__private::Shape = ::floe::__private::Shape::Row { fields: &[], nullable: false };
        }
        impl #impl_generics ::floe::Table for #ident #types #bounds {
            const TABLE: ::floe::__private::TableDef =
                ::floe::__private::TableDef::new("", <Self as ::floe::Field>::SHAPE);
        }
    }
}

/// Every parameter is a field somewhere.
fn bound(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::floe::Field));
    }
    generics
}

fn row(fields: &[Field]) -> (TokenStream, TokenStream) {
    let columns = fields.iter().map(|field| column(field, field.default));
    let writes = fields.iter().map(|field| {
        let ident = &field.ident;
        write_field(field, quote!(&self.#ident))
    });
    (
        row_shape(columns),
        quote! {
            fn write_fields(&self, out: &mut ::floe::RowWriter) {
                #(#writes)*
            }
        },
    )
}

fn row_shape(columns: impl Iterator<Item = TokenStream>) -> TokenStream {
    quote!(::floe::__private::Shape::Row { fields: &[#(#columns),*], nullable: false })
}

fn column(field: &Field, optional: bool) -> TokenStream {
    let (key, name, ty) = (&field.key, &field.name, &field.ty);
    let shape = match field.entries_are_rows {
        true => quote_spanned!(ty.span()=> <#ty as ::floe::Entries>::SHAPE),
        false => shape(ty, field.recursive),
    };
    if field.flatten {
        let optional = optional.then(|| quote!(.optional()));
        return quote_spanned!(ty.span()=> ::floe::__private::FieldDef::inline(#shape)#optional);
    }
    let mut parts = vec![quote_spanned!(ty.span()=> ::floe::__private::FieldDef::new(#key, #name, #shape))];
    if field.json {
        parts.push(quote!(json()));
    }
    if let Some((digits, span)) = field.precision {
        parts.push(quote_spanned!(span=> precision(#digits)));
    }
    if let Some((digits, span)) = field.scale {
        parts.push(quote_spanned!(span=> scale(#digits)));
    }
    if let Some((false, span)) = field.timezone {
        parts.push(quote_spanned!(span=> without_timezone()));
    }
    if optional && !field.is_option() {
        parts.push(quote!(optional()));
    }
    for (key, hint) in HINTS {
        if field.entry(key).is_some() {
            let hint = Ident::new(hint, Span::call_site());
            parts.push(quote!(hint(::floe::__private::Hint::#hint)));
        }
    }
    if let Some((policy, span)) = field.pii {
        let policy = variant(policy);
        parts.push(quote_spanned!(span=> pii(::floe::__private::Policy::#policy)));
    }
    if !field.alias.is_empty() {
        let alias = &field.alias;
        parts.push(quote!(alias(&[#(#alias),*])));
    }
    if let Some((_, span)) = field.was.first() {
        let names = field.was.iter().map(|(name, _)| name);
        parts.push(quote_spanned!(*span=> was(&[#(#names),*])));
    }
    if let Some(order) = field.dedup_sort {
        let order = match order {
            SortOrder::Asc => quote!(Asc),
            SortOrder::Desc => quote!(Desc),
        };
        parts.push(quote!(dedup_sort(::floe::__private::SortOrder::#order)));
    }
    if let Some(text) = &field.description {
        parts.push(quote!(describe(#text)));
    }
    quote!(#(#parts).*)
}

const HINTS: [(&str, &str); 5] = [
    ("unique", "Unique"),
    ("hard_delete", "HardDelete"),
    ("sort", "Sort"),
    ("cluster", "Cluster"),
    ("partition", "Partition"),
];

fn shape(ty: &Type, recursive: bool) -> TokenStream {
    let shape = quote_spanned!(ty.span()=> <#ty as ::floe::Field>::SHAPE);
    if recursive { quote!(::floe::__private::Shape::Again(|| #shape)) } else { shape }
}

fn write_field(field: &Field, value: TokenStream) -> TokenStream {
    let ty = &field.ty;
    // named as in the constant, so that a type that is no field is reported once
    // a type may come from another macro, where `out` would be another `out`
    let span = ty.span().resolved_at(Span::call_site());
    let of = quote_spanned!(span=> <#ty as ::floe::Field>);
    if field.flatten {
        return quote_spanned!(span=> #of::write_fields(#value, out););
    }
    let key = quoted(&field.key);
    if field.entries_are_rows {
        return quote_spanned!(span=> <#ty as ::floe::Entries>::write_entries(#value, #key, out););
    }
    quote_spanned!(span=> #of::write_field(#value, #key, out);)
}

/// A key as it stands in front of its value.
fn quoted(key: &str) -> LitStr {
    LitStr::new(&format!("{}:", json_text(key)), Span::call_site())
}

fn json_text(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn newtype(inner: &Type) -> (TokenStream, TokenStream) {
    (
        shape(inner, false),
        quote! {
            fn write(&self, out: &mut ::floe::RowWriter) {
                ::floe::Field::write(&self.0, out);
            }
            fn write_fields(&self, out: &mut ::floe::RowWriter) {
                ::floe::Field::write_fields(&self.0, out);
            }
            fn is_absent(&self) -> bool {
                ::floe::Field::is_absent(&self.0)
            }
        },
    )
}

fn words(words: &[(Ident, String)]) -> (TokenStream, TokenStream) {
    let arms = words.iter().map(|(ident, name)| {
        let text = json_text(name);
        quote!(Self::#ident => #text)
    });
    (
        quote!(::floe::__private::Shape::of(::floe::__private::DataType::Text)),
        quote! {
            fn write(&self, out: &mut ::floe::RowWriter) {
                #[allow(unreachable_patterns)]
                out.raw(match self {
                    #(#arms,)*
                    _ => "null",
                });
            }
        },
    )
}

fn json() -> (TokenStream, TokenStream) {
    (
        quote!(::floe::__private::Shape::of(::floe::__private::DataType::Json)),
        quote! {
            fn write(&self, out: &mut ::floe::RowWriter) {
                out.json(self);
            }
        },
    )
}

fn wide(tag: &str, variants: &[Arm]) -> (TokenStream, TokenStream) {
    let tag_name = floe_schema::Naming::snake_case().key(tag);
    let text = quote!(::floe::__private::Shape::of(::floe::__private::DataType::Text));
    let mut columns = vec![quote!(::floe::__private::FieldDef::new(#tag, #tag_name, #text))];
    let mut seen: Vec<&str> = Vec::new();
    for arm in variants {
        match &arm.kind {
            ArmKind::Unit => {}
            ArmKind::Inner(ty) => {
                let shape = shape(ty, false);
                columns
                    .push(quote_spanned!(ty.span()=> ::floe::__private::FieldDef::inline(#shape).optional()));
            }
            ArmKind::Fields(fields) => {
                for field in fields.iter().filter(|f| f.flatten || !seen.contains(&f.name.as_str())) {
                    columns.push(column(field, field.default || !is_in_all(&field.name, variants)));
                }
                seen.extend(fields.iter().filter(|f| !f.flatten).map(|f| f.name.as_str()));
            }
        }
    }
    let tag = quoted(tag);
    let arms = variants.iter().map(|arm| {
        let (ident, name) = (&arm.ident, json_text(&arm.name));
        let tag = quote!(out.key(#tag); out.raw(#name););
        match &arm.kind {
            ArmKind::Unit => quote!(Self::#ident => { #tag }),
            ArmKind::Inner(_) => quote! {
                Self::#ident(inner) => { #tag ::floe::Field::write_fields(inner, out); }
            },
            ArmKind::Fields(fields) => {
                let idents = fields.iter().map(|f| &f.ident);
                let names: Vec<Ident> = fields.iter().map(|f| format_ident!("field_{}", f.ident)).collect();
                let writes =
                    fields.iter().zip(&names).map(|(f, name)| write_field(f, name.to_token_stream()));
                quote!(Self::#ident { #(#idents: #names,)* .. } => { #tag #(#writes)* })
            }
        }
    });
    (
        row_shape(columns.into_iter()),
        quote! {
            fn write_fields(&self, out: &mut ::floe::RowWriter) {
                #[allow(unreachable_patterns)]
                match self {
                    #(#arms)*
                    _ => {}
                }
            }
        },
    )
}

fn is_in_all(name: &str, variants: &[Arm]) -> bool {
    variants
        .iter()
        .all(|arm| matches!(&arm.kind, ArmKind::Fields(fields) if fields.iter().any(|f| f.name == name)))
}

/// The value of `TABLE`.
fn constant(table: &Table) -> TokenStream {
    let name = &table.name;
    let start = quote!(::floe::__private::TableDef::new(#name, <Self as ::floe::Field>::SHAPE));
    let mut set: Vec<TokenStream> = Vec::new();
    if let Some(resource) = &table.resource {
        set.push(quote!(resource: Some(#resource)));
    }
    for (field, key) in [("primary_key", &table.primary_key), ("merge_key", &table.merge_key)] {
        if !key.is_empty() {
            let (field, names) = (format_ident!("{field}"), key.iter().map(|(name, _)| name));
            set.push(quote!(#field: &[#(#names),*]));
        }
    }
    if let Some((write, _)) = table.write {
        let write = variant(write);
        set.push(quote!(write: Some(::floe::__private::WriteDisposition::#write)));
    }
    if let Some((strategy, _)) = table.strategy {
        let strategy = variant(strategy);
        set.push(quote!(strategy: Some(::floe::__private::MergeStrategy::#strategy)));
    }
    if let Some((from, to, _)) = &table.validity {
        set.push(quote!(validity: Some((#from, #to))));
    }
    for (field, given) in [
        ("active_record_timestamp", &table.active_record_timestamp),
        ("boundary_timestamp", &table.boundary_timestamp),
    ] {
        if let Some((text, _)) = given {
            let field = format_ident!("{field}");
            set.push(quote!(#field: Some(#text)));
        }
    }
    if let Some((cursor, _)) = &table.cursor {
        set.push(quote!(cursor: Some(#cursor)));
    }
    if let Some((mode, _)) = table.contract {
        let mode = variant(mode);
        set.push(quote!(contract: Some(::floe::__private::Mode::#mode)));
    }
    if let Some(levels) = table.max_nesting {
        set.push(quote!(max_nesting: Some(#levels)));
    }
    if let Some(text) = &table.description {
        set.push(quote!(description: Some(#text)));
    }
    if set.is_empty() { start } else { quote!(::floe::__private::TableDef { #(#set,)* ..#start }) }
}

/// The name of a variant, which is what `Debug` prints.
fn variant(value: impl std::fmt::Debug) -> Ident {
    Ident::new(&format!("{value:?}"), Span::call_site())
}

/// Constants that do not compile if something is wrong. A type with parameters has none, because it is
/// not known yet.
fn checks(table: &Table) -> TokenStream {
    if table.generics.type_params().next().is_some() {
        return TokenStream::new();
    }
    let Body::Row(fields) = &table.body else { return contract(table) };
    let (ident, (_, types, _)) = (&table.ident, table.generics.split_for_impl());
    let table_of = quote!(<#ident #types as ::floe::Table>::TABLE);
    let mut out = contract(table);
    // columns of structs inside are known to the compiler only
    let is_own = |name: &str| fields.iter().any(|f| f.name == name);
    for (name, span) in table.primary_key.iter().chain(&table.merge_key).filter(|(name, _)| !is_own(name)) {
        out.extend(quote_spanned!(*span=> const _: () = ::floe::__private::key(&#table_of, #name);));
    }
    if let Some((name, span)) = &table.cursor {
        out.extend(quote_spanned!(*span=> const _: () = ::floe::__private::cursor(&#table_of, #name);));
    }
    let types_matter = |f: &Field| {
        f.flatten
            || f.precision.is_some()
            || f.scale.is_some()
            || f.timezone.is_some()
            || !f.was.is_empty()
            || f.pii.is_some()
    };
    if out.is_empty() && fields.iter().any(types_matter) {
        out.extend(quote!(const _: ::floe::__private::TableDef = #table_of;));
    }
    out
}

/// Compares the table with its file when the crate is built; the test lets `floe contract` see the table.
fn contract(table: &Table) -> TokenStream {
    let Some((_, span)) = table.contract.filter(|(mode, _)| *mode != Mode::Evolve) else {
        return TokenStream::new();
    };
    let (ident, (_, types, _)) = (&table.ident, table.generics.split_for_impl());
    let file = format!("/contracts/{}.contract", table.name);
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let exists = Path::new(&folder).join(file.trim_start_matches('/')).exists();
    let check = if exists {
        quote_spanned! {span=>
            #[cfg(not(test))]
            #[allow(long_running_const_eval)]
            const _: () = ::floe::__private::contract(
                &<#ident #types as ::floe::Table>::TABLE,
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), #file)),
            );
        }
    } else {
        let message = format!(
            "`{}` has no contract yet, {} is missing\nhelp: `floe contract accept` writes it",
            table.name,
            file.trim_start_matches('/')
        );
        quote_spanned!(span=> #[cfg(not(test))] ::core::compile_error!(#message);)
    };
    let test = format_ident!("contract_of_{}", table.name);
    quote! {
        #check
        #[cfg(test)]
        #[test]
        fn #test() {
            ::floe::__private::test_contract::<#ident #types>(concat!(env!("CARGO_MANIFEST_DIR"), #file));
        }
    }
}
