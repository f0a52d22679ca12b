//! Generating from a build script: one call in `build.rs`.

use std::path::{Path, PathBuf};

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::quote;

use crate::emit::{Files, HEADER, Options, connector};
use crate::error::{Error, Result};
use crate::overlay::Overlay;
use crate::read::{Document, Limits};
use crate::{Api, inspect};

/// Generates a connector from a document, in a build script or anywhere else.
///
/// In `build.rs`, with `floe-codegen` among the build dependencies:
///
/// ```no_run
/// floe_codegen::Generator::new("specs/github.yaml").include("repo*").build_module("github").unwrap();
/// ```
///
/// and in the crate, which has the dependencies of a generated one (floe, serde, chrono):
///
/// ```text
/// mod github {
///     include!(concat!(env!("OUT_DIR"), "/github.rs"));
/// }
/// ```
///
/// The contracts are written to the folder `contracts` of the crate where they are missing, and never over
/// those that are there: when the document drifts, the build says which column did.
#[derive(Debug, Clone)]
pub struct Generator {
    spec: PathBuf,
    overlay: Option<PathBuf>,
    include: Vec<String>,
    options: Options,
    limits: Limits,
}

impl Generator {
    /// A generator for a document: a file or a folder.
    pub fn new(spec: impl Into<PathBuf>) -> Self {
        Self {
            spec: spec.into(),
            overlay: None,
            include: Vec::new(),
            options: Options::default(),
            limits: Limits::default(),
        }
    }

    /// Only resources whose name or path fits one of the patterns, in which `*` stands for anything.
    #[must_use]
    pub fn include(mut self, pattern: impl Into<String>) -> Self {
        self.include.push(pattern.into());
        self
    }

    /// Corrections of what is found.
    #[must_use]
    pub fn overlay(mut self, file: impl Into<PathBuf>) -> Self {
        self.overlay = Some(file.into());
        self
    }

    /// What the connector is called and where floe comes from.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How much the document may ask for.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What is understood of the document.
    pub fn api(&self) -> Result<Api> {
        let mut text = None;
        if let Some(file) = &self.overlay {
            let name = file.display().to_string();
            let bytes =
                std::fs::read(file).map_err(|e| Error::new(format!("cannot be read: {e}")).at(&name))?;
            text = Some(Overlay::read(&name, &bytes)?);
        }
        let document = Document::from_path(&self.spec, &self.limits)?;
        let mut api = inspect(&document)?;
        if let Some(overlay) = text {
            overlay.apply(&mut api)?;
        }
        if !self.include.is_empty() {
            api.keep(&self.include);
        }
        Ok(api)
    }

    /// The files of the connector.
    pub fn files(&self) -> Result<Files> {
        connector(&self.api()?, &self.options)
    }

    /// Writes the connector as a crate of its own. Returns the paths that were written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<Vec<String>> {
        self.files()?.write(folder.as_ref(), false)
    }

    /// The connector as the text of one module, for `include!`.
    pub fn module(&self) -> Result<String> {
        module(&self.files()?)
    }

    /// Writes the connector as `<name>.rs` into the folder that Cargo gives to build scripts, and missing
    /// contracts into the crate. Cargo runs the script again when the document or a correction changes.
    pub fn build_module(&self, name: &str) -> Result<()> {
        let (out, krate) = (variable("OUT_DIR")?, variable("CARGO_MANIFEST_DIR")?);
        let mut files = self.files()?;
        write(&out.join(format!("{name}.rs")), &module(&files)?)?;
        files.files.retain(|path, _| path.starts_with("contracts/"));
        for (path, file) in &files.files {
            let target = krate.join(path);
            if !target.exists() {
                write(&target, &file.text)?;
            }
        }
        for watched in std::iter::once(&self.spec).chain(&self.overlay) {
            // this is how a build script talks to Cargo
            #[allow(clippy::print_stdout)]
            {
                println!("cargo::rerun-if-changed={}", watched.display());
            }
        }
        Ok(())
    }
}

fn variable(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).ok_or_else(|| {
        Error::new(format!("there is no {name}")).help("call it from a build script, or use `write`")
    })
}

fn write(target: &Path, text: &str) -> Result<()> {
    let failed =
        |e: std::io::Error| Error::new(format!("cannot be written: {e}")).at(target.display().to_string());
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    // what is as it was keeps its time, so that nothing is built again for it
    if std::fs::read_to_string(target).is_ok_and(|known| known == text) {
        return Ok(());
    }
    std::fs::write(target, text).map_err(failed)
}

/// All modules of a connector in one text. Their paths begin at the module that includes it.
fn module(files: &Files) -> Result<String> {
    let mut modules = TokenStream::new();
    let sources = files.files.iter().filter_map(|(path, file)| {
        let name = path.strip_prefix("src/")?.strip_suffix(".rs")?;
        (name != "main" && name != "lib").then_some((name, file))
    });
    for (name, file) in sources {
        let broken = |e: syn::Error| Error::new(format!("generated code does not parse: {e}"));
        let parsed = syn::parse_file(&file.text).map_err(broken)?;
        let docs = parsed.attrs.iter().map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(doc) => {
                let text = &doc.value;
                quote!(#[doc = #text])
            }
            other => quote!(#[#other]),
        });
        let ident = syn::parse_str::<Ident>(name).map_err(broken)?;
        let items = parsed.items.iter();
        let items = relative(quote!(#(#items)*));
        modules.extend(quote! { #(#docs)* pub mod #ident { #items } });
    }
    let tokens = quote! { #modules pub use source::*; };
    let file = syn::parse2::<syn::File>(tokens)
        .map_err(|e| Error::new(format!("generated code does not parse: {e}")))?;
    Ok(format!("// {HEADER}\n\n{}", prettyplease::unparse(&file)))
}

/// `crate::` of a crate of its own is `super::` in a module of another one.
fn relative(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "crate" => {
                TokenTree::Ident(Ident::new("super", ident.span()))
            }
            TokenTree::Group(group) => {
                let mut made = Group::new(group.delimiter(), relative(group.stream()));
                made.set_span(group.span());
                TokenTree::Group(made)
            }
            other => other,
        })
        .collect()
}
