//! Names of the document as names of Rust. Only what comes out of here becomes code.

use std::collections::HashSet;

use crate::words::{pascal, snake};

/// Words that Rust keeps for itself, now or later.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];
/// Types and traits that generated code sees.
const TYPES: &[&str] = &[
    "Api",
    "Auth",
    "Box",
    "Clone",
    "Copy",
    "Cursor",
    "DateTime",
    "Debug",
    "Decimal",
    "Default",
    "Deserialize",
    "Display",
    "Drop",
    "DuckDb",
    "Endpoint",
    "Eq",
    "Err",
    "Error",
    "Field",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "Hash",
    "Incremental",
    "Into",
    "Iterator",
    "Json",
    "NaiveDate",
    "NaiveTime",
    "None",
    "OAuth2",
    "Ok",
    "Option",
    "Ord",
    "Pages",
    "Paginator",
    "PartialEq",
    "PartialOrd",
    "Pipeline",
    "Postgres",
    "Resource",
    "Result",
    "Rows",
    "RunReport",
    "Secret",
    "Self",
    "Send",
    "Serialize",
    "Sized",
    "Slice",
    "Some",
    "Source",
    "Str",
    "String",
    "Sync",
    "Table",
    "TimeFormat",
    "ToString",
    "Unpin",
    "Utc",
    "Vec",
    "WriteDisposition",
    "Eq",
    "Cow",
    "Extend",
    "Page",
];
/// Names of modules that cannot be those of groups.
const MODULES: &[&str] = &[
    "floe", "main", "lib", "models", "source", "std", "core", "alloc", "chrono", "serde", "test", "tests",
    "bin",
];
/// Names longer than this are cut.
const LONGEST: usize = 60;

/// Names that are taken, by the place where they must differ.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// A field, function or parameter.
    pub(super) fn value(&mut self, name: &str) -> String {
        let name = start(&ascii(&snake(name)), "value");
        let name = if KEYWORDS.contains(&name.as_str()) { format!("{name}_") } else { name };
        self.unique(name, "_")
    }

    /// A module, which is also the name of a file.
    pub(super) fn module(&mut self, name: &str) -> String {
        let name = start(&ascii(&snake(name)), "other");
        let reserved = KEYWORDS.contains(&name.as_str()) || MODULES.contains(&name.as_str());
        let name = if reserved { format!("{name}_api") } else { name };
        self.unique(name, "_")
    }

    /// A struct.
    pub(super) fn type_(&mut self, name: &str) -> String {
        let name = pascal(&ascii(&snake(name)));
        let name =
            if name.chars().next().is_some_and(|c| c.is_ascii_digit()) { format!("N{name}") } else { name };
        let name: String = name.chars().take(LONGEST).collect();
        let name = if name.is_empty() { "Row".to_owned() } else { name };
        let name = if TYPES.contains(&name.as_str()) { format!("{name}Row") } else { name };
        self.unique(name, "")
    }

    fn unique(&mut self, name: String, joint: &str) -> String {
        let mut candidate = name.clone();
        let mut number = 2u64;
        // files of modules must differ where case does not count
        while !self.taken.insert(candidate.to_ascii_lowercase()) {
            candidate = format!("{name}{joint}{number}");
            number += 1;
        }
        candidate
    }
}

/// Letters of other scripts by their number, so that names stay readable to any tool.
fn ascii(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => out.push(c),
            _ => out.push_str(&format!("u{:x}", u32::from(c))),
        }
        if out.len() >= LONGEST {
            break;
        }
    }
    out
}

fn start(name: &str, otherwise: &str) -> String {
    match name.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) if name.chars().all(|c| c == '_') => otherwise.to_owned(),
        Some(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_identifier() {
        let odd = [
            "",
            "type",
            "self",
            "Self",
            "crate",
            "2fa",
            "日本",
            "a b",
            "+1",
            "-1",
            "__",
            "\u{202e}x",
            "r#fn",
            "\"); evil(",
            "é",
            "gen",
        ];
        let mut names = Names::default();
        for name in odd {
            for made in [names.value(name), names.module(name), names.type_(name)] {
                assert!(syn::parse_str::<syn::Ident>(&made).is_ok(), "{name:?} gave {made:?}");
            }
        }
    }

    #[test]
    fn names_do_not_collide() {
        let mut names = Names::default();
        assert_eq!(names.value("userName"), "user_name");
        assert_eq!(names.value("user_name"), "user_name_2");
        assert_eq!(names.type_("string"), "StringRow");
        assert_eq!(names.type_("http-health-check"), "HttpHealthCheck");
        assert_eq!(names.type_("HTTPHealthCheck"), "HttpHealthCheck2");
    }
}
