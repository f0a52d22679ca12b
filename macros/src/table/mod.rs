//! `#[derive(Table)]`.

pub(crate) mod ast;
mod check;
mod expand;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::errors::Errors;

/// Reads, checks and prints. After an error, an empty implementation keeps other errors away.
pub(crate) fn derive(input: DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let read = ast::read(&input, &mut errors);
    if let Some(table) = &read {
        check::check(table, &mut errors);
    }
    match read {
        Some(table) if errors.is_empty() => expand::expand(&table),
        _ => {
            let (stub, errors) = (expand::stub(&input), errors.tokens());
            quote!(#errors #stub)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a table becomes is reviewed like code: `FLOE_UPDATE=1 cargo test -p floe-macros` writes it anew.
    #[test]
    fn the_expansion_fits_on_a_screen() {
        let tokens = derive(syn::parse_quote! {
            /// An issue.
            #[table(name = "issues", primary_key = "id", write = merge)]
            #[serde(rename_all = "camelCase")]
            struct Issue {
                id: i64,
                #[table(unique)]
                node_id: String,
                body: Option<String>,
                #[table(cursor)]
                updated_at: DateTime<Utc>,
                #[table(precision = 12, scale = 2)]
                price: Decimal,
                #[serde(flatten)]
                meta: Meta,
                labels: Vec<Label>,
                children: Vec<Issue>,
            }
        });
        let file = syn::parse2(tokens).unwrap();
        let text = prettyplease::unparse(&file);
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/table/expansion.txt");
        if std::env::var_os("FLOE_UPDATE").is_some() {
            std::fs::write(place, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(place).unwrap_or_default());
        assert!(text.lines().count() < 120, "{}", text.lines().count());
    }
}
