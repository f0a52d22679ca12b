//! `#[source]`.

use floe_schema::Naming;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Fields, Ident, ItemStruct, Type};

use crate::attributes::{arguments, documentation, entries};
use crate::errors::Errors;

const KEYS: [&str; 2] = ["name", "resources"];
const CONFIG_KEYS: [&str; 2] = ["default", "rename"];

/// A field that is configured.
struct Field {
    ident: Ident,
    key: String,
    ty: Type,
    secret: bool,
    default: Option<String>,
    description: Option<String>,
}

pub(crate) fn expand(attribute: TokenStream, mut item: ItemStruct) -> TokenStream {
    let mut errors = Errors::default();
    let mut name = Naming::snake_case().path(&item.ident.unraw().to_string());
    let mut resources: Vec<Expr> = Vec::new();
    for entry in arguments(attribute, "source", &KEYS, &mut errors) {
        if entry.key == "name" {
            name = entry.text(&mut errors).unwrap_or_default();
        } else {
            resources = entry.values;
        }
    }
    let fields = fields(&mut item, &mut errors);
    if !errors.is_empty() {
        let errors = errors.tokens();
        return quote!(#item #errors);
    }
    let ident = &item.ident;
    let (impl_generics, types, bounds) = item.generics.split_for_impl();
    let described = fields.iter().map(|field| {
        let (key, secret) = (&field.key, field.secret);
        let optional = field.ty.to_token_stream().to_string().starts_with("Option");
        let (default, description) = (option(field.default.as_ref()), option(field.description.as_ref()));
        quote!(::floe::__private::ConfigField {
            key: #key, secret: #secret, optional: #optional, default: #default, description: #description
        })
    });
    let reads = fields.iter().map(
        |Field { ident, key, ty, .. }| quote_spanned!(ty.span()=> let #ident = reader.field::<#ty>(#key);),
    );
    let idents: Vec<&Ident> = fields.iter().map(|field| &field.ident).collect();
    let calls = resources.iter().map(|resource| match resource {
        // a call is written where a resource does not need the source
        Expr::Call(call) => call.to_token_stream(),
        resource => quote_spanned!(resource.span()=> #resource(self)),
    });
    quote! {
        #item

        #[automatically_derived]
        impl #impl_generics ::floe::Source for #ident #types #bounds {
            const NAME: &'static str = #name;
            const FIELDS: &'static [::floe::__private::ConfigField] = &[#(#described),*];

            fn read(mut reader: ::floe::__private::ConfigReader) -> ::floe::Result<Self> {
                #(#reads)*
                let source = (|| ::std::option::Option::Some(Self { #(#idents: #idents?),* }))();
                reader.finish(source)
            }

            fn all(&self) -> ::std::vec::Vec<::floe::Resource> {
                ::std::vec![#(#calls),*]
            }
        }
    }
}

fn option(text: Option<&String>) -> TokenStream {
    match text {
        Some(text) => quote!(::std::option::Option::Some(#text)),
        None => quote!(::std::option::Option::None),
    }
}

/// The fields of the struct, from which the attributes that only this macro knows are taken away.
fn fields(item: &mut ItemStruct, errors: &mut Errors) -> Vec<Field> {
    let span = item.ident.span();
    let named = match &mut item.fields {
        Fields::Named(named) => named,
        Fields::Unit => return Vec::new(),
        Fields::Unnamed(_) => {
            errors.add(
                span,
                "a source is made of fields with names",
                "write `struct GitHub { token: Secret }`",
            );
            return Vec::new();
        }
    };
    let mut fields = Vec::new();
    for field in &mut named.named {
        let Some(ident) = field.ident.clone() else { continue };
        let mut read = Field {
            key: ident.unraw().to_string(),
            ident,
            ty: field.ty.clone(),
            secret: field.attrs.iter().any(|a| a.path().is_ident("secret")),
            default: None,
            description: documentation(&field.attrs),
        };
        for entry in entries(&field.attrs, "config", &CONFIG_KEYS, errors) {
            match entry.key.to_string().as_str() {
                "rename" => read.key = entry.text(errors).unwrap_or_default(),
                _ => read.default = Some(value(&entry.values)),
            }
        }
        let words = read.ty.to_token_stream().to_string();
        let hides = words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "Secret");
        if read.secret && !hides {
            let help = "make it a `floe::Secret`, which prints as ***";
            errors.add(read.ty.span(), "a secret of this type would show in messages", help);
        }
        read.secret |= hides;
        field.attrs.retain(|a| !a.path().is_ident("secret") && !a.path().is_ident("config"));
        fields.push(read);
    }
    fields
}

/// A default as text; numbers and bools are read like text.
fn value(values: &[Expr]) -> String {
    match values {
        [Expr::Lit(literal)] => match &literal.lit {
            syn::Lit::Str(text) => text.value(),
            other => other.to_token_stream().to_string(),
        },
        other => other.iter().map(|v| v.to_token_stream().to_string()).collect(),
    }
}
