//! Crates with tables alone: structs and contracts, without the functions and the source of an API.

use crate::api::Api;
use crate::emit::{Files, HEADER, Options, connector};
use crate::error::{Error, Result};

/// The files of a crate with the structs and contracts of tables. What loads them is the user's.
pub fn tables(api: &Api, options: &Options) -> Result<Files> {
    let whole = connector(api, options)?;
    let mut files = Files::default();
    let mut modules = Vec::new();
    for (path, file) in whole.files {
        let module = path.strip_prefix("src/").and_then(|p| p.strip_suffix(".rs"));
        match module {
            Some("lib" | "main" | "source") => {}
            Some(name) => {
                files.generated(&path, structs(&file.text)?);
                modules.push(name.to_owned());
            }
            None if path == "Cargo.toml" || path == ".gitignore" || path.starts_with("contracts/") => {
                files.files.insert(path, file);
            }
            None => {}
        }
    }
    let uses: Vec<String> = modules.iter().map(|m| format!("pub mod {m};\npub use {m}::*;\n")).collect();
    let library = format!(
        "// {HEADER}\n\n//! Tables as structs; contracts/ freezes what they are.\n\n{}",
        uses.join("")
    );
    files.generated("src/lib.rs", library);
    Ok(files)
}

/// The structs of a module and what they need.
fn structs(text: &str) -> Result<String> {
    let broken = |e: syn::Error| Error::new(format!("generated code does not parse: {e}"));
    let mut file = syn::parse_file(text).map_err(broken)?;
    file.items.retain(|item| match item {
        syn::Item::Struct(_) | syn::Item::Enum(_) => true,
        syn::Item::Use(import) => {
            !starts_with(&import.tree, "floe", "rest") && !starts_with(&import.tree, "crate", "source")
        }
        _ => false,
    });
    file.attrs.clear();
    file.attrs.push(syn::parse_quote!(#![doc = " Rows of tables."]));
    Ok(format!("// {HEADER}\n\n{}", prettyplease::unparse(&file)))
}

fn starts_with(tree: &syn::UseTree, first: &str, second: &str) -> bool {
    let syn::UseTree::Path(path) = tree else { return false };
    let next = match &*path.tree {
        syn::UseTree::Path(next) => next.ident.to_string(),
        syn::UseTree::Name(next) => next.ident.to_string(),
        _ => return false,
    };
    path.ident == first && next == second
}
