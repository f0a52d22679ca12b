//! What a derive is given, as far as it can be understood.

use floe_schema::typed::Policy;
use floe_schema::{MergeStrategy, Mode, Naming, SortOrder, WriteDisposition};
use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataEnum, DeriveInput, Fields, Generics, Ident, Type, Variant};

use crate::attributes::{Entry, documentation, entries};
use crate::errors::Errors;
use crate::serde::{Rule, Serde};

const TABLE_KEYS: [&str; 14] = [
    "name",
    "resource",
    "primary_key",
    "merge_key",
    "write",
    "strategy",
    "validity",
    "active_record_timestamp",
    "boundary_timestamp",
    "cursor",
    "contract",
    "max_nesting",
    "description",
    "json",
];
const FIELD_KEYS: [&str; 17] = [
    "json",
    "primary_key",
    "merge_key",
    "unique",
    "hard_delete",
    "sort",
    "cluster",
    "partition",
    "dedup_sort",
    "precision",
    "scale",
    "timezone",
    "cursor",
    "description",
    "was",
    "pii",
    "entries",
];
const MORE_FIELD_KEYS: [&str; 1] = ["recursive"];

/// A type that becomes a table or a field of one.
pub(crate) struct Table {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) body: Body,
    pub(crate) name: String,
    pub(crate) resource: Option<String>,
    pub(crate) primary_key: Vec<(String, Span)>,
    pub(crate) merge_key: Vec<(String, Span)>,
    pub(crate) write: Option<(WriteDisposition, Span)>,
    pub(crate) strategy: Option<(MergeStrategy, Span)>,
    /// Names of the columns that say when a version of a row is valid.
    pub(crate) validity: Option<(String, String, Span)>,
    pub(crate) active_record_timestamp: Option<(String, Span)>,
    pub(crate) boundary_timestamp: Option<(String, Span)>,
    pub(crate) cursor: Option<(String, Span)>,
    pub(crate) contract: Option<(Mode, Span)>,
    pub(crate) max_nesting: Option<u32>,
    pub(crate) description: Option<String>,
}

pub(crate) enum Body {
    /// Columns.
    Row(Vec<Field>),
    /// What is in it.
    Newtype(Type),
    /// One word for each variant.
    Words(Vec<(Ident, String)>),
    /// A column for the name of the variant, and the columns of all variants.
    Wide { tag: String, variants: Vec<Arm> },
    /// Whatever serde makes of it.
    Json,
}

/// A variant of an enum that is a wide row.
pub(crate) struct Arm {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) kind: ArmKind,
}

pub(crate) enum ArmKind {
    Unit,
    Fields(Vec<Field>),
    /// The fields of another struct.
    Inner(Box<Type>),
}

pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// In JSON.
    pub(crate) key: String,
    /// In the table.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) flatten: bool,
    /// The key may be absent.
    pub(crate) default: bool,
    /// The type contains the one it is in.
    pub(crate) recursive: bool,
    pub(crate) description: Option<String>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) json: bool,
    pub(crate) dedup_sort: Option<SortOrder>,
    pub(crate) precision: Option<(u16, Span)>,
    pub(crate) scale: Option<(u16, Span)>,
    pub(crate) timezone: Option<(bool, Span)>,
    /// Names that the column had before.
    pub(crate) was: Vec<(String, Span)>,
    /// What happens to values about people.
    pub(crate) pii: Option<(Policy, Span)>,
    /// The entries of a map are rows.
    pub(crate) entries_are_rows: bool,
    /// Other keys in JSON.
    pub(crate) alias: Vec<String>,
}

impl Field {
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Whether it is written `Option<...>`.
    pub(crate) fn is_option(&self) -> bool {
        matches!(&self.ty, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Option"))
    }
}

pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Table> {
    let serde = Serde::read(&input.attrs);
    let given = entries(&input.attrs, "table", &TABLE_KEYS, errors);
    let is_json = given.iter().any(|entry| entry.key == "json");
    let body = if is_json { Some(Body::Json) } else { body(input, &serde, errors) };
    let naming = Naming::snake_case();
    let mut table = Table {
        ident: input.ident.clone(),
        generics: input.generics.clone(),
        body: body?,
        name: naming.path(&input.ident.unraw().to_string()),
        resource: None,
        primary_key: Vec::new(),
        merge_key: Vec::new(),
        write: None,
        strategy: None,
        validity: None,
        active_record_timestamp: None,
        boundary_timestamp: None,
        cursor: None,
        contract: None,
        max_nesting: None,
        description: documentation(&input.attrs),
    };
    for entry in &given {
        table.set(entry, errors);
    }
    table.keys_of_fields(errors);
    Some(table)
}

impl Table {
    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        let span = entry.value_span();
        match entry.key.unraw().to_string().as_str() {
            "name" => {
                if let Some(name) = entry.text(errors) {
                    let normal = Naming::snake_case().path(&name);
                    if normal != name {
                        let message = format!("the dataset would call the table `{normal}`");
                        errors.add(span, message, format!("write `name = \"{normal}\"`"));
                    }
                    self.name = normal;
                }
            }
            "resource" => self.resource = entry.text(errors),
            "primary_key" => self.primary_key = entry.texts(errors),
            "merge_key" => self.merge_key = entry.texts(errors),
            "write" => self.write = entry.word(&WRITES, errors).map(|w| (w, span)),
            "strategy" => self.strategy = entry.word(MergeStrategy::ALL, errors).map(|s| (s, span)),
            "validity" => match entry.texts(errors).as_slice() {
                [] => {}
                [(from, _), (to, _)] if from != to => self.validity = Some((from.clone(), to.clone(), span)),
                _ => {
                    let help = "write `validity(\"valid_from\", \"valid_to\")`";
                    errors.add(span, "`validity` takes the names of two columns", help);
                }
            },
            "active_record_timestamp" => self.active_record_timestamp = entry.text(errors).map(|t| (t, span)),
            "boundary_timestamp" => self.boundary_timestamp = entry.text(errors).map(|t| (t, span)),
            "cursor" => self.cursor = entry.text(errors).map(|c| (c, span)),
            "contract" if entry.values.is_empty() => self.contract = Some((Mode::Freeze, span)),
            "contract" => self.contract = entry.word(Mode::ALL, errors).map(|m| (m, span)),
            "max_nesting" => self.max_nesting = entry.number(errors),
            "description" => self.description = entry.text(errors),
            _ => {}
        }
    }

    /// Keys and cursors that fields claim for themselves.
    fn keys_of_fields(&mut self, errors: &mut Errors) {
        let Body::Row(fields) = &self.body else { return };
        for (key, names) in [("primary_key", &mut self.primary_key), ("merge_key", &mut self.merge_key)] {
            let of_fields: Vec<_> = fields.iter().filter_map(|f| Some((f, f.entry(key)?))).collect();
            if let (false, Some((_, entry))) = (names.is_empty(), of_fields.first()) {
                let help = "name all columns at the struct, or mark all fields";
                errors.add(entry.key.span(), format!("the struct has a `{key}` already"), help);
            }
            names.extend(of_fields.iter().map(|(field, entry)| (field.name.clone(), entry.key.span())));
        }
        for field in fields {
            if let Some(entry) = field.entry("cursor") {
                if self.cursor.is_some() {
                    errors.add(entry.key.span(), "there is another cursor", "a table has one cursor");
                }
                self.cursor = Some((field.name.clone(), entry.key.span()));
            }
        }
    }
}

pub(crate) const WRITES: [WriteDisposition; 3] =
    [WriteDisposition::Append, WriteDisposition::Replace, WriteDisposition::Merge];

fn body(input: &DeriveInput, serde: &Serde, errors: &mut Errors) -> Option<Body> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let reader = Reader { of: &input.ident, rule: serde.rename_all, default: serde.default };
                Some(Body::Row(named.named.iter().filter_map(|f| reader.field(f, errors)).collect()))
            }
            Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
                unnamed.unnamed.first().map(|field| Body::Newtype(field.ty.clone()))
            }
            other => {
                let help = "give the fields names, or add `#[table(json)]` and derive `serde::Serialize`";
                errors.add(other.span(), "a table is made of fields with names", help);
                None
            }
        },
        Data::Enum(data) => enumeration(&input.ident, data, serde, errors),
        Data::Union(union) => {
            errors.add(union.union_token.span(), "a union has no columns", "use a struct");
            None
        }
    }
}

fn enumeration(of: &Ident, data: &DataEnum, serde: &Serde, errors: &mut Errors) -> Option<Body> {
    let kept: Vec<(&Variant, Serde)> =
        data.variants.iter().map(|v| (v, Serde::read(&v.attrs))).filter(|(_, serde)| !serde.skip).collect();
    let all_units = kept.iter().all(|(variant, _)| matches!(variant.fields, Fields::Unit));
    let name = |variant: &Variant, own: &Serde| own.variant(&variant.ident, serde.rename_all);
    match &serde.tag {
        None if all_units && !serde.untagged => {
            Some(Body::Words(kept.iter().map(|(v, own)| (v.ident.clone(), name(v, own))).collect()))
        }
        Some(tag) if !serde.content => {
            let arms = kept.iter().filter_map(|(variant, own)| {
                let rule = own.rename_all.or(serde.rename_all_fields);
                let reader = Reader { of, rule, default: false };
                let kind = match &variant.fields {
                    Fields::Unit => ArmKind::Unit,
                    Fields::Named(named) => {
                        ArmKind::Fields(named.named.iter().filter_map(|f| reader.field(f, errors)).collect())
                    }
                    Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                        ArmKind::Inner(Box::new(fields.unnamed.first()?.ty.clone()))
                    }
                    other => {
                        let help = "give the fields names, or add `#[table(json)]` to the enum";
                        errors.add(other.span(), "a variant with a tag has fields with names", help);
                        return None;
                    }
                };
                Some(Arm { ident: variant.ident.clone(), name: name(variant, own), kind })
            });
            Some(Body::Wide { tag: tag.value(), variants: arms.collect() })
        }
        _ => {
            let help = "add `#[serde(tag = \"type\")]` for a column for each field, or `#[table(json)]` and \
                        `serde::Serialize` for one column of JSON";
            errors.add(of.span(), "it is not said how the variants of this enum become columns", help);
            None
        }
    }
}

/// Reads the fields of a struct or a variant.
struct Reader<'a> {
    of: &'a Ident,
    rule: Option<Rule>,
    default: bool,
}

impl Reader<'_> {
    fn field(&self, field: &syn::Field, errors: &mut Errors) -> Option<Field> {
        let serde = Serde::read(&field.attrs);
        let ident = field.ident.clone()?;
        if serde.skip {
            return None;
        }
        let known = [FIELD_KEYS.as_slice(), &MORE_FIELD_KEYS].concat();
        let entries = renamed(&field.attrs, &known, errors);
        let key = serde.key(&ident, self.rule);
        let mut read = Field {
            name: Naming::snake_case().key(&key),
            key,
            ident,
            recursive: mentions(&field.ty, self.of),
            ty: field.ty.clone(),
            flatten: serde.flatten,
            default: serde.default || self.default,
            description: documentation(&field.attrs),
            entries: Vec::new(),
            json: false,
            dedup_sort: None,
            precision: None,
            scale: None,
            timezone: None,
            was: Vec::new(),
            pii: None,
            entries_are_rows: false,
            alias: serde.alias,
        };
        for entry in &entries {
            let span = entry.span();
            let digits = |errors: &mut Errors| {
                entry.number(errors).map(|n| (u16::try_from(n).unwrap_or(u16::MAX), span))
            };
            match entry.key.to_string().as_str() {
                "dedup_sort" => read.dedup_sort = entry.word(SortOrder::ALL, errors),
                "precision" => read.precision = digits(errors),
                "scale" => read.scale = digits(errors),
                "timezone" => read.timezone = Some((entry.flag(errors), span)),
                "description" => read.description = entry.text(errors),
                "was" => {
                    let names = entry.texts(errors).into_iter();
                    read.was = names.map(|(name, span)| (Naming::snake_case().key(&name), span)).collect();
                }
                "pii" => read.pii = entry.word(Policy::ALL, errors).map(|policy| (policy, span)),
                "entries" => read.entries_are_rows = entry.flag(errors),
                "json" => read.json = entry.flag(errors),
                "recursive" => read.recursive = entry.flag(errors),
                _ => {
                    entry.flag(errors);
                }
            }
        }
        read.entries = entries;
        Some(read)
    }
}

/// Entries of a field; a name is serde's to change.
fn renamed(attributes: &[Attribute], known: &[&str], errors: &mut Errors) -> Vec<Entry> {
    let with_rename = [known, &["rename", "name", "sensitive"]].concat();
    let mut found = entries(attributes, "table", &with_rename, errors);
    found.retain(|entry| {
        let is_name = entry.key == "rename" || entry.key == "name";
        if is_name {
            let help = "write `#[serde(rename = \"...\")]`, so that one struct serves both";
            errors.add(entry.key.span(), "columns are named after their keys in JSON", help);
        }
        let is_sensitive = entry.key == "sensitive";
        if is_sensitive {
            let help = "write `pii = hash`, `pii = mask` or `pii = drop`";
            errors.add(entry.key.span(), "it is not said how the value is hidden", help);
        }
        !is_name && !is_sensitive
    });
    found
}

/// Whether a type has a name in it.
fn mentions(ty: &Type, name: &Ident) -> bool {
    fn any(tokens: proc_macro2::TokenStream, name: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == *name || ident == "Self",
            proc_macro2::TokenTree::Group(group) => any(group.stream(), name),
            _ => false,
        })
    }
    any(ty.to_token_stream(), name)
}
