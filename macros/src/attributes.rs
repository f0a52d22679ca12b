//! Attributes as lists of keys, most of them with a value.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, Token, parenthesized, token};

use crate::errors::{Errors, did_you_mean};

/// `key`, `key = value` or `key(value, value)`.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) values: Vec<Expr>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = Ident::parse_any(input)?;
        let values = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            vec![input.parse()?]
        } else if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            Punctuated::<Expr, Token![,]>::parse_terminated(&content)?.into_iter().collect()
        } else {
            Vec::new()
        };
        Ok(Self { key, values })
    }
}

impl Entry {
    pub(crate) fn span(&self) -> Span {
        let value = self.values.first().map(Spanned::span);
        value.and_then(|value| self.key.span().join(value)).unwrap_or(self.key.span())
    }

    /// Where the value is wrong.
    pub(crate) fn value_span(&self) -> Span {
        self.values.first().map_or(self.key.span(), Spanned::span)
    }

    /// The one value as text: a literal or a plain word.
    pub(crate) fn text(&self, errors: &mut Errors) -> Option<String> {
        let text = match self.values.as_slice() {
            [one] => text_of(one),
            _ => None,
        };
        if text.is_none() {
            let key = &self.key;
            errors.add(
                self.value_span(),
                format!("`{key}` takes one text"),
                format!("write `{key} = \"...\"`"),
            );
        }
        text
    }

    /// All values as texts.
    pub(crate) fn texts(&self, errors: &mut Errors) -> Vec<(String, Span)> {
        let texts: Option<Vec<_>> = self.values.iter().map(|v| Some((text_of(v)?, v.span()))).collect();
        texts.filter(|texts| !texts.is_empty()).unwrap_or_else(|| {
            let key = &self.key;
            let help = format!("write `{key} = \"a\"` or `{key}(\"a\", \"b\")`");
            errors.add(self.value_span(), format!("`{key}` takes names"), help);
            Vec::new()
        })
    }

    pub(crate) fn number(&self, errors: &mut Errors) -> Option<u32> {
        let number = match self.values.as_slice() {
            [Expr::Lit(ExprLit { lit: Lit::Int(int), .. })] => int.base10_parse().ok(),
            _ => None,
        };
        if number.is_none() {
            let key = &self.key;
            errors.add(self.value_span(), format!("`{key}` takes a number"), format!("write `{key} = 6`"));
        }
        number
    }

    /// True without a value.
    pub(crate) fn flag(&self, errors: &mut Errors) -> bool {
        match self.values.as_slice() {
            [] => true,
            [Expr::Lit(ExprLit { lit: Lit::Bool(value), .. })] => value.value,
            _ => {
                let key = &self.key;
                let help = format!("write `{key}`, or `{key} = false`");
                errors.add(self.value_span(), format!("`{key}` is either there or not"), help);
                true
            }
        }
    }

    /// One of some words, as an enum of the schema.
    pub(crate) fn word<T: Copy + std::fmt::Display>(&self, words: &[T], errors: &mut Errors) -> Option<T> {
        let given = self.text(errors)?.replace('_', "-");
        let same = |word: &&T| word.to_string().replace('_', "-") == given;
        let found = words.iter().find(same).copied();
        if found.is_none() {
            let known: Vec<String> = words.iter().map(ToString::to_string).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("`{given}` is no `{}`", self.key);
            errors.add(self.value_span(), message, did_you_mean(&given, &known));
        }
        found
    }
}

fn text_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::Path(path) => path.path.get_ident().map(|word| word.unraw().to_string()),
        // words such as delete-insert
        Expr::Binary(_) => Some(value.to_token_stream().to_string().replace(' ', "")),
        _ => None,
    }
}

/// All entries of the attributes of a name, those with a key that is not known reported.
pub(crate) fn entries(
    attributes: &[Attribute],
    name: &str,
    known: &[&str],
    errors: &mut Errors,
) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident(name)) {
        let parsed = match &attribute.meta {
            Meta::List(list) => list.parse_args_with(Punctuated::<Entry, Token![,]>::parse_terminated),
            other => Err(syn::Error::new(other.span(), format!("write `#[{name}(...)]`"))),
        };
        for entry in errors.take(parsed).into_iter().flatten() {
            add(entry, name, known, &mut found, errors);
        }
    }
    found
}

/// The entries in the brackets of an attribute.
pub(crate) fn arguments(
    tokens: proc_macro2::TokenStream,
    name: &str,
    known: &[&str],
    errors: &mut Errors,
) -> Vec<Entry> {
    let mut found = Vec::new();
    let parsed = Punctuated::<Entry, Token![,]>::parse_terminated.parse2(tokens);
    for entry in errors.take(parsed).into_iter().flatten() {
        add(entry, name, known, &mut found, errors);
    }
    found
}

/// Adds an entry, unless its key is not known or there is one already.
fn add(entry: Entry, name: &str, known: &[&str], found: &mut Vec<Entry>, errors: &mut Errors) {
    let key = entry.key.unraw().to_string();
    if !known.contains(&key.as_str()) {
        let message = format!("there is no `{key}` in `#[{name}(...)]` here");
        errors.add(entry.key.span(), message, did_you_mean(&key, known));
    } else if found.iter().any(|e| e.key == entry.key) {
        errors.add(entry.key.span(), format!("`{key}` is there twice"), "say it once");
    } else {
        found.push(entry);
    }
}

/// The documentation of an item as one text.
pub(crate) fn documentation(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter(|a| a.path().is_ident("doc")).filter_map(|a| match &a.meta {
        Meta::NameValue(value) => text_of(&value.value),
        _ => None,
    });
    let text = lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n");
    let first = text.trim().split("\n\n").next().unwrap_or_default().replace('\n', " ");
    (!first.is_empty()).then_some(first)
}
