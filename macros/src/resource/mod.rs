//! `#[resource]`.

use floe_schema::WriteDisposition;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, ItemFn, Pat, ReturnType, Type, TypeParamBound, parse_quote};

use crate::attributes::arguments;
use crate::errors::Errors;
use crate::table::ast::WRITES;

const KEYS: [&str; 9] =
    ["table", "name", "write", "primary_key", "merge_key", "cursor", "initial", "parent", "selected"];

/// What the attribute says.
#[derive(Default)]
struct Said {
    table: Option<Expr>,
    name: String,
    write: Option<(WriteDisposition, Span)>,
    primary_key: Vec<(String, Span)>,
    merge_key: Vec<(String, Span)>,
    cursor: Option<(String, Span)>,
    initial: Option<String>,
    parent: Option<String>,
    unselected: bool,
}

/// An argument of the function.
struct Argument {
    ident: Ident,
    ty: Type,
    /// What fills it.
    filled: Filled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// Who makes the resource; each run gets a clone.
    Caller {
        by_reference: bool,
    },
    Cursor,
    Parent,
    Slice,
}

/// How the pages come out of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    Pages,
    Iterator,
    Stream,
}

pub(crate) fn expand(attribute: TokenStream, function: ItemFn) -> TokenStream {
    let mut errors = Errors::default();
    let said = read(attribute, &function, &mut errors);
    let arguments =
        function.sig.inputs.iter().filter_map(|input| argument(input, &mut errors)).collect::<Vec<_>>();
    check(&said, &arguments, &function, &mut errors);
    if !errors.is_empty() {
        let (errors, stub) = (errors.tokens(), stub(&function, &arguments));
        return quote!(#errors #stub);
    }
    print(&said, &arguments, &function)
}

fn read(attribute: TokenStream, function: &ItemFn, errors: &mut Errors) -> Said {
    let mut said = Said { name: function.sig.ident.unraw().to_string(), ..Said::default() };
    for entry in arguments(attribute, "resource", &KEYS, errors) {
        let span = entry.value_span();
        match entry.key.unraw().to_string().as_str() {
            "table" => {
                said.table = entry.values.first().cloned();
                if said.table.is_none() {
                    errors.add(span, "`table` takes a type", "write `table = Issue`");
                }
            }
            "name" => said.name = entry.text(errors).unwrap_or_default(),
            "write" => said.write = entry.word(&WRITES, errors).map(|w| (w, span)),
            "primary_key" => said.primary_key = entry.texts(errors),
            "merge_key" => said.merge_key = entry.texts(errors),
            "cursor" => said.cursor = entry.text(errors).map(|c| (c, span)),
            "initial" => said.initial = entry.text(errors),
            "parent" => said.parent = entry.text(errors),
            "selected" => said.unselected = !entry.flag(errors),
            _ => {}
        }
    }
    said
}

fn argument(input: &FnArg, errors: &mut Errors) -> Option<Argument> {
    let FnArg::Typed(typed) = input else {
        errors.add(
            input.span(),
            "a resource is a function of its own",
            "take the source as `source: &GitHub`",
        );
        return None;
    };
    let Pat::Ident(pattern) = &*typed.pat else {
        errors.add(typed.pat.span(), "an argument of a resource needs a name", "write `source: &GitHub`");
        return None;
    };
    let (ty, by_reference) = match &*typed.ty {
        Type::Reference(reference) => ((*reference.elem).clone(), true),
        other => (other.clone(), false),
    };
    let last = match &ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    };
    let filled = match last.as_deref() {
        Some("Cursor") => Filled::Cursor,
        Some("Rows") => Filled::Parent,
        Some("Slice") => Filled::Slice,
        _ => Filled::Caller { by_reference },
    };
    Some(Argument { ident: pattern.ident.clone(), ty, filled })
}

fn check(said: &Said, arguments: &[Argument], function: &ItemFn, errors: &mut Errors) {
    if let Some(parameter) = function.sig.generics.params.first() {
        let help = "use plain types; what differs can be an argument";
        errors.add(parameter.span(), "a resource has no parameters of types", help);
    }
    if matches!(function.sig.output, ReturnType::Default) {
        let help =
            "return `Pages`, `Vec<T>`, `impl Iterator<Item = T>` or `impl Stream<Item = floe::Result<T>>`";
        errors.add(function.sig.ident.span(), "a resource gives rows or pages", help);
    }
    let merges = said.write.filter(|(write, _)| *write == WriteDisposition::Merge);
    if let (Some((_, span)), None) = (merges, &said.table)
        && said.primary_key.is_empty()
        && said.merge_key.is_empty()
    {
        errors.add(span, "a merge without a key would only append", "add `primary_key = \"...\"`");
    }
    for argument in arguments {
        let (missing, help) = match argument.filled {
            Filled::Cursor if said.cursor.is_none() && said.table.is_none() => {
                ("no cursor", "add `cursor = \"...\"` to the attribute")
            }
            Filled::Parent if said.parent.is_none() => {
                ("no parent", "add `parent = \"...\"` to the attribute")
            }
            _ => continue,
        };
        errors.add(argument.ident.span(), format!("the resource has {missing} that could fill this"), help);
    }
    if let (Some(_), None, Some((_, span))) = (&said.initial, &said.cursor, said.write) {
        errors.add(span, "an initial value is one of a cursor", "add `cursor = \"...\"`");
    }
}

fn outer(arguments: &[Argument]) -> impl Iterator<Item = (&Argument, bool)> {
    arguments.iter().filter_map(|argument| match argument.filled {
        Filled::Caller { by_reference } => Some((argument, by_reference)),
        _ => None,
    })
}

fn signature(function: &ItemFn, arguments: &[Argument]) -> TokenStream {
    let (attributes, vis, ident) = (&function.attrs, &function.vis, &function.sig.ident);
    let inputs = outer(arguments).map(|(Argument { ident, ty, .. }, by_reference)| {
        let reference = by_reference.then(|| quote!(&));
        quote!(#ident: #reference #ty)
    });
    quote!(#(#attributes)* #vis fn #ident(#(#inputs),*) -> ::floe::Resource)
}

fn stub(function: &ItemFn, arguments: &[Argument]) -> TokenStream {
    let signature = signature(function, arguments);
    quote!(#[allow(unused_variables)] #signature { ::floe::Resource::new("") })
}

fn print(said: &Said, arguments: &[Argument], function: &ItemFn) -> TokenStream {
    let signature = signature(function, arguments);
    let ident = &function.sig.ident;
    let mut inner = ItemFn { attrs: Vec::new(), vis: syn::Visibility::Inherited, ..function.clone() };
    captures_nothing(&mut inner.sig.output);
    let (resource, checks) = (resource(said), checks(said, arguments));
    // an argument may be named like the function, or like anything else here
    let own = |ident: &Ident| format_ident!("__{}", ident.unraw());
    // nor may these hide a function of that name
    let made = Ident::new("resource", Span::mixed_site());
    let slice = Ident::new("slice", Span::mixed_site());
    let kept: Vec<Ident> = outer(arguments).map(|(argument, _)| own(&argument.ident)).collect();
    let clones = outer(arguments).map(|(Argument { ident, .. }, by_reference)| {
        let kept = own(ident);
        // of a reference, `clone` might give the reference
        if by_reference {
            quote!(let #kept = ::std::clone::Clone::clone(#ident);)
        } else {
            quote!(let #kept = #ident;)
        }
    });
    let given = arguments.iter().map(|Argument { ident, filled, .. }| {
        let kept = own(ident);
        match filled {
            Filled::Caller { by_reference: true } => quote!(&#kept),
            Filled::Caller { by_reference: false } => quote!(::std::clone::Clone::clone(&#kept)),
            Filled::Cursor => quote!(::floe::Cursor::of(&#slice)?),
            Filled::Parent => quote!(::floe::Rows::of(&#slice)),
            Filled::Slice => quote!(::std::clone::Clone::clone(&#slice)),
        }
    });
    let given: Vec<_> = given.collect();
    let wait = function.sig.asyncness.map(|_| quote!(.await));
    let call = quote_spanned!(function.sig.output.span()=> #ident(#(#given),*)#wait);
    let gives = gives(&function.sig.output);
    let pages = match gives {
        Gives::Pages => {
            quote_spanned!(function.sig.output.span()=> ::floe::IntoPages::into_pages(#call, #slice))
        }
        Gives::Iterator => quote!(::floe::rows(#call)),
        Gives::Stream => quote!(::floe::row_stream(#call)),
    };
    let plain = gives == Gives::Pages && wait.is_none() && kept.len() == arguments.len();
    let prepare = plain.then(|| quote!(let #made = ::floe::__private::prepared(#made, || #call);));
    quote! {
        #signature {
            #inner
            #checks
            #(#clones)*
            let #made = #resource;
            #prepare
            #made.stream(move |#slice| {
                #(let #kept = ::std::clone::Clone::clone(&#kept);)*
                ::floe::__private::opened(async move {
                    Ok(#pages)
                })
            })
        }
    }
}

/// Rows outlive the call that makes them, so an iterator or a stream keeps no reference of an argument.
fn captures_nothing(output: &mut ReturnType) {
    let ReturnType::Type(_, ty) = output else { return };
    let Type::ImplTrait(opaque) = &mut **ty else { return };
    if !opaque.bounds.iter().any(|bound| matches!(bound, TypeParamBound::PreciseCapture(_))) {
        opaque.bounds.push(parse_quote!(use<>));
    }
}

fn gives(output: &ReturnType) -> Gives {
    let ReturnType::Type(_, ty) = output else { return Gives::Pages };
    let Type::ImplTrait(bounds) = &**ty else { return Gives::Pages };
    let text = bounds.bounds.to_token_stream().to_string();
    let has = |name: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    if has("Stream") {
        Gives::Stream
    } else if has("Iterator") || has("IntoIterator") {
        Gives::Iterator
    } else {
        Gives::Pages
    }
}

/// The resource before it has a stream.
fn resource(said: &Said) -> TokenStream {
    let name = &said.name;
    let mut out = quote!(::floe::Resource::new(#name));
    if let Some(table) = &said.table {
        out.extend(quote!(.table(<#table as ::floe::Table>::TABLE.name).typed::<#table>()));
    }
    for (method, key) in [("primary_key", &said.primary_key), ("merge_key", &said.merge_key)] {
        if !key.is_empty() {
            let (method, names) = (format_ident!("{method}"), key.iter().map(|(name, _)| name));
            out.extend(quote!(.#method([#(#names),*])));
        }
    }
    if let Some((write, _)) = said.write {
        let write = Ident::new(&format!("{write:?}"), Span::call_site());
        out.extend(quote!(.write_disposition(::floe::__private::WriteDisposition::#write)));
    }
    if let Some(parent) = &said.parent {
        out.extend(quote!(.parent(#parent)));
    }
    if said.unselected {
        out.extend(quote!(.selected(false)));
    }
    if let Some((cursor, _)) = &said.cursor {
        let table = match &said.table {
            Some(table) => quote!(Some(&<#table as ::floe::Table>::TABLE)),
            None => quote!(None),
        };
        let initial = match &said.initial {
            Some(value) => quote!(Some(#value)),
            None => quote!(None),
        };
        out = quote!(::floe::__private::with_cursor(#out, #table, #cursor, #initial));
    }
    out
}

/// What the compiler finds out about the table.
fn checks(said: &Said, arguments: &[Argument]) -> TokenStream {
    let Some(table) = &said.table else { return TokenStream::new() };
    let table = quote!(&<#table as ::floe::Table>::TABLE);
    let mut out = TokenStream::new();
    for (name, span) in said.primary_key.iter().chain(&said.merge_key) {
        out.extend(quote_spanned!(*span=> const _: () = ::floe::__private::key(#table, #name);));
    }
    if let Some((WriteDisposition::Merge, span)) = said.write
        && said.primary_key.is_empty()
        && said.merge_key.is_empty()
    {
        out.extend(quote_spanned!(span=> const _: () = ::floe::__private::has_key(#table);));
    }
    match &said.cursor {
        Some((name, span)) => {
            out.extend(quote_spanned!(*span=> const _: () = ::floe::__private::cursor(#table, #name);));
        }
        None => {
            for argument in arguments.iter().filter(|argument| argument.filled == Filled::Cursor) {
                let span = argument.ident.span();
                out.extend(quote_spanned!(span=> const _: () = ::floe::__private::has_cursor(#table);));
            }
        }
    }
    out
}
