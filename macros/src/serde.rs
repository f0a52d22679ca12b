//! What serde's attributes say about names, so that one struct serves both.

use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Token, parenthesized, token};

/// What serde is told about a container, a field or a variant.
#[derive(Default, Clone)]
pub(crate) struct Serde {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) rename_all_fields: Option<Rule>,
    pub(crate) tag: Option<LitStr>,
    pub(crate) content: bool,
    pub(crate) untagged: bool,
    pub(crate) default: bool,
    pub(crate) skip: bool,
    pub(crate) flatten: bool,
    /// Other keys of a field.
    pub(crate) alias: Vec<String>,
}

/// How serde renames everything in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Serde {
    /// Reads the attributes. What serde would refuse is left to serde.
    pub(crate) fn read(attributes: &[Attribute]) -> Self {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
            let _ = attribute.parse_nested_meta(|meta| found.entry(&meta));
        }
        found
    }

    fn entry(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        let value = value(meta)?;
        let text = || value.as_ref().map(LitStr::value);
        match key.as_str() {
            "rename" => self.rename = text(),
            "rename_all" => self.rename_all = text().and_then(|t| Rule::of(&t)),
            "rename_all_fields" => self.rename_all_fields = text().and_then(|t| Rule::of(&t)),
            "tag" => self.tag = value,
            "content" => self.content = true,
            "untagged" => self.untagged = true,
            "default" => self.default = true,
            "skip" => self.skip = true,
            "flatten" => self.flatten = true,
            "alias" => self.alias.extend(text()),
            _ => {}
        }
        Ok(())
    }

    /// The key of a field.
    pub(crate) fn key(&self, ident: &Ident, rule: Option<Rule>) -> String {
        let name = ident.unraw().to_string();
        self.rename.clone().unwrap_or_else(|| rule.map_or(name.clone(), |rule| rule.field(&name)))
    }

    /// The name of a variant.
    pub(crate) fn variant(&self, ident: &Ident, rule: Option<Rule>) -> String {
        let name = ident.unraw().to_string();
        self.rename.clone().unwrap_or_else(|| rule.map_or(name.clone(), |rule| rule.variant(&name)))
    }
}

/// The text of `key = "text"`; of `key(serialize = "a", deserialize = "b")` what is read.
fn value(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<LitStr>> {
    let mut found = None;
    if meta.input.peek(Token![=]) {
        found = literal(meta.value()?.parse()?);
    } else if meta.input.peek(token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        while !content.is_empty() {
            let side = Ident::parse_any(&content)?;
            if content.peek(Token![=]) {
                content.parse::<Token![=]>()?;
                let value: Expr = content.parse()?;
                if side == "deserialize" {
                    found = literal(value);
                }
            }
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
        }
    }
    Ok(found)
}

fn literal(value: Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

impl Rule {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// A name that is written like_this.
    pub(crate) fn field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => name.split('_').map(capitalized).collect(),
            Self::Camel => uncapitalized(&Self::Pascal.field(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// A name that is written LikeThis.
    pub(crate) fn variant(self, name: &str) -> String {
        match self {
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Pascal => name.to_owned(),
            Self::Camel => uncapitalized(name),
            Self::Snake => snake(name),
            Self::ScreamingSnake | Self::Kebab | Self::ScreamingKebab => self.field(&snake(name)),
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn uncapitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (n, letter) in name.char_indices() {
        if n > 0 && letter.is_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_rename_as_serde_does() {
        let field = |rule: &str| Rule::of(rule).unwrap().field("very_tasty");
        let variant = |rule: &str| Rule::of(rule).unwrap().variant("VeryTasty");
        for (rule, of_field, of_variant) in [
            ("lowercase", "very_tasty", "verytasty"),
            ("UPPERCASE", "VERY_TASTY", "VERYTASTY"),
            ("PascalCase", "VeryTasty", "VeryTasty"),
            ("camelCase", "veryTasty", "veryTasty"),
            ("snake_case", "very_tasty", "very_tasty"),
            ("SCREAMING_SNAKE_CASE", "VERY_TASTY", "VERY_TASTY"),
            ("kebab-case", "very-tasty", "very-tasty"),
            ("SCREAMING-KEBAB-CASE", "VERY-TASTY", "VERY-TASTY"),
        ] {
            assert_eq!((field(rule).as_str(), variant(rule).as_str()), (of_field, of_variant), "{rule}");
        }
    }

    #[test]
    fn what_is_read_counts() {
        let field: syn::ItemStruct = syn::parse_quote! {
            #[serde(rename_all(serialize = "lowercase", deserialize = "camelCase"), deny_unknown_fields, bound = "T: X")]
            struct A { #[serde(rename(serialize = "x", deserialize = "y"), default = "f", with = "m")] a: i32 }
        };
        assert_eq!(Serde::read(&field.attrs).rename_all, Some(Rule::Camel));
        let inner = Serde::read(&field.fields.iter().next().unwrap().attrs);
        assert_eq!(inner.rename.as_deref(), Some("y"));
        assert!(inner.default);
    }
}
