//! Items as a type wants them: aliases become keys, maps that are tables below become lists of entries, and
//! what is personal is hashed, masked or left out before anything else sees it.
//!
//! Everything else stays the bytes that came.

use std::borrow::Cow;

use floe_schema::Naming;
use floe_schema::typed::{FieldDef, Policy, Shape};
use ring::digest;

use crate::error::{Error, Result};
use crate::normalize::scan::{Peek, ScanError, Scanner};
use crate::secret::Secret;

/// What stands in the place of a masked value.
const MASK: &[u8] = b"\"***\"";

/// The changes that a type asks for.
pub(crate) struct Refit {
    fields: &'static [FieldDef],
    naming: Naming,
    salt: Option<Secret>,
}

impl Refit {
    /// Nothing if the type asks for no change.
    pub(crate) fn new(fields: &'static [FieldDef], salt: Option<Secret>) -> Option<Self> {
        let is_needed = asks(fields, &mut Vec::new());
        is_needed.then(|| Self { fields, naming: Naming::snake_case(), salt })
    }

    /// Writes an item as the type wants it.
    pub(crate) fn item(&self, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut scanner = Scanner::new(text, 0);
        // the item is valid JSON: it was looked at before
        let written = self.value(&Shape::Row { fields: self.fields, nullable: false }, &mut scanner, out);
        written.map_err(|e| Error::input(e.problem.message()))
    }

    fn value(&self, shape: &Shape, scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), ScanError> {
        let shape = match shape {
            Shape::Again(shape) => &shape(),
            shape => shape,
        };
        match (scanner.peek()?, shape) {
            (Peek::Object, Shape::Row { fields, .. }) => self.object(fields, scanner, out),
            (Peek::Object, Shape::List(element)) => match element {
                Shape::Row { fields: fields @ [key, _], .. } if key.is_entry_key() => {
                    self.entries(fields, scanner, out)
                }
                // one where a list was expected
                element => self.value(element, scanner, out),
            },
            (Peek::List, Shape::Row { .. }) => self.list(shape, scanner, out),
            (Peek::List, Shape::List(element)) => self.list(element, scanner, out),
            _ => verbatim(scanner, out),
        }
    }

    fn list(&self, element: &Shape, scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), ScanError> {
        out.push(b'[');
        let mut more = scanner.open_list()?;
        while more {
            self.value(element, scanner, out)?;
            more = scanner.more_elements()?;
            if more {
                out.push(b',');
            }
        }
        out.push(b']');
        Ok(())
    }

    fn object(
        &self,
        fields: &[FieldDef],
        scanner: &mut Scanner<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ScanError> {
        out.push(b'{');
        let start = out.len();
        let mut more = scanner.open_object()?;
        while more {
            let key = scanner.key()?.decode()?;
            let field = self.find(fields, &key);
            match field {
                Some(FieldDef { policy: Some(Policy::Drop), .. }) => scanner.skip_value(0)?,
                field => {
                    if out.len() > start {
                        out.push(b',');
                    }
                    text(field.filter(|f| f.alias.contains(&&*key)).map_or(&*key, |f| f.key), out);
                    out.push(b':');
                    match field {
                        None => verbatim(scanner, out)?,
                        Some(FieldDef { policy: Some(policy), .. }) => self.hidden(*policy, scanner, out)?,
                        Some(field) => self.value(&field.shape, scanner, out)?,
                    }
                }
            }
            more = scanner.more_keys()?;
        }
        out.push(b'}');
        Ok(())
    }

    /// A map as a list of its entries.
    fn entries(
        &self,
        fields: &[FieldDef],
        scanner: &mut Scanner<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ScanError> {
        out.push(b'[');
        let mut more = scanner.open_object()?;
        while more {
            let key = scanner.key()?.decode()?;
            out.extend_from_slice(b"{\"key\":");
            text(&key, out);
            out.extend_from_slice(b",\"value\":");
            match fields {
                [_, value] => self.value(&value.shape, scanner, out)?,
                _ => verbatim(scanner, out)?,
            }
            out.push(b'}');
            more = scanner.more_keys()?;
            if more {
                out.push(b',');
            }
        }
        out.push(b']');
        Ok(())
    }

    /// The field of a key. What is personal has to be found under every key that becomes its column.
    fn find<'f>(&self, fields: &'f [FieldDef], key: &str) -> Option<&'f FieldDef> {
        find(fields, &|field| field.key == key || field.alias.contains(&key)).or_else(|| {
            let name = self.naming.key(key);
            find(fields, &|field| field.name == name)
        })
    }

    fn hidden(&self, policy: Policy, scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), ScanError> {
        let (kind, at) = (scanner.peek()?, scanner.position());
        let value: Cow<'_, [u8]> = match kind {
            Peek::Null => return verbatim(scanner, out),
            Peek::Text => match scanner.text()?.decode()? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            _ => {
                scanner.skip_value(0)?;
                Cow::Borrowed(scanner.slice(at))
            }
        };
        match policy {
            Policy::Hash => {
                let mut context = digest::Context::new(&digest::SHA256);
                context.update(self.salt.as_ref().map_or(&[], |salt| salt.expose().as_bytes()));
                context.update(&value);
                out.push(b'"');
                for byte in context.finish().as_ref() {
                    out.extend_from_slice(format!("{byte:02x}").as_bytes());
                }
                out.push(b'"');
            }
            Policy::Mask | Policy::Drop => out.extend_from_slice(MASK),
        }
        Ok(())
    }
}

fn verbatim(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), ScanError> {
    scanner.peek()?;
    let at = scanner.position();
    scanner.skip_value(0)?;
    out.extend_from_slice(scanner.slice(at));
    Ok(())
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

fn find<'f>(fields: &'f [FieldDef], is: &dyn Fn(&FieldDef) -> bool) -> Option<&'f FieldDef> {
    fields.iter().find_map(|field| match field.shape {
        // fields of a struct that stand in the place of the struct
        Shape::Row { fields, .. } if field.key.is_empty() => find(fields, is),
        Shape::Again(shape) if field.key.is_empty() => match shape() {
            Shape::Row { fields, .. } => find(fields, is),
            _ => None,
        },
        _ => is(field).then_some(field),
    })
}

/// Whether a type asks for changes somewhere.
fn asks(fields: &'static [FieldDef], seen: &mut Vec<*const FieldDef>) -> bool {
    if seen.contains(&fields.as_ptr()) {
        return false;
    }
    seen.push(fields.as_ptr());
    fields.iter().any(|field| {
        field.policy.is_some() || !field.alias.is_empty() || field.is_entry_key() || below(field.shape, seen)
    })
}

fn below(shape: Shape, seen: &mut Vec<*const FieldDef>) -> bool {
    match shape {
        Shape::Column { .. } => false,
        Shape::Row { fields, .. } => asks(fields, seen),
        Shape::List(element) => below(*element, seen),
        Shape::Again(shape) => below(shape(), seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use floe_schema::DataType;

    const INNER: &[FieldDef] = &[FieldDef::new("mail", "mail", Shape::of(DataType::Text)).pii(Policy::Hash)];
    const ENTRY: Shape = Shape::Row {
        fields: &[
            FieldDef::entry_key(),
            FieldDef::new("value", "value", Shape::Row { fields: INNER, nullable: false }),
        ],
        nullable: false,
    };
    const FIELDS: &[FieldDef] = &[
        FieldDef::new("id", "id", Shape::of(DataType::Bigint)).alias(&["ID no", "n"]),
        FieldDef::new("phoneNo", "phone_no", Shape::of(DataType::Bigint)).pii(Policy::Mask),
        FieldDef::new("cards", "cards", Shape::List(&Shape::of(DataType::Text))).pii(Policy::Drop),
        FieldDef::inline(Shape::Row { fields: INNER, nullable: false }),
        FieldDef::new("list", "list", Shape::List(&Shape::Row { fields: INNER, nullable: false })),
        FieldDef::new("map", "map", Shape::List(&ENTRY)),
    ];

    fn refit(text: &str) -> String {
        let mut out = Vec::new();
        Refit::new(FIELDS, None).unwrap().item(text.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const HASH: &str = "\"d648b243a3e817eaa3309e00e183483f2867baadf522099f0c2121770536b25a\"";

    #[test]
    fn keys_values_and_maps_are_changed_and_nothing_else() {
        assert_eq!(
            refit(r#"{"ID no": 1, "big": 123456789012345678901234567890.10, "cards": ["1", 2]}"#),
            r#"{"id":1,"big":123456789012345678901234567890.10}"#
        );
        assert_eq!(
            refit(r#"{"phoneNo": 5, "phone-no": {"x": 1}, "mail": null}"#),
            r#"{"phoneNo":"***","phone-no":"***","mail":null}"#
        );
        assert_eq!(refit(r#"{"mail": "a@b.c"}"#), format!("{{\"mail\":{HASH}}}"));
        assert_eq!(refit(r#"{"Mail": "\u0061@b.c"}"#), format!("{{\"Mail\":{HASH}}}"));
        assert_eq!(
            refit(r#"{"list": [{"mail": "a@b.c", "x": [ ]}]}"#),
            format!("{{\"list\":[{{\"mail\":{HASH},\"x\":[ ]}}]}}")
        );
        assert_eq!(
            refit(r#"{"map": {"a\"": {"mail": "a@b.c"}}}"#),
            format!("{{\"map\":[{{\"key\":\"a\\\"\",\"value\":{{\"mail\":{HASH}}}}}]}}")
        );
        assert_eq!(refit(r#"{"map": [{"key": "a"}], "list": {"mail": 7}}"#).matches("***").count(), 0);
        assert_eq!(refit("[1]"), "[1]");
    }

    #[test]
    fn salt_makes_other_hashes() {
        let salted = Refit::new(FIELDS, Some(Secret::new("salt"))).unwrap();
        let mut out = Vec::new();
        salted.item(br#"{"mail": "a@b.c"}"#, &mut out).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains(HASH));
    }

    #[test]
    fn a_type_that_asks_for_nothing_costs_nothing() {
        const PLAIN: &[FieldDef] = &[FieldDef::new("id", "id", Shape::of(DataType::Bigint))];
        assert!(Refit::new(PLAIN, None).is_none());
    }
}
