//! JSON pointers and the references that hold them.

use serde_json::Value;

/// A key as a step of a pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Splits a reference into the file part and the fragment.
pub(super) fn split(reference: &str) -> (&str, &str) {
    reference.split_once('#').unwrap_or((reference, ""))
}

/// Follows the fragment of a reference, percent-encoded or not.
pub(super) fn lookup<'v>(root: &'v Value, fragment: &str) -> Option<&'v Value> {
    if fragment.is_empty() || fragment == "/" {
        return Some(root);
    }
    let path = fragment.strip_prefix('/')?;
    walk(root, path, false).or_else(|| walk(root, path, true))
}

fn walk<'v>(root: &'v Value, path: &str, decode: bool) -> Option<&'v Value> {
    path.split('/').try_fold(root, |value, step| {
        let step = if decode { percent_decode(step) } else { step.to_owned() };
        let step = step.replace("~1", "/").replace("~0", "~");
        match value {
            Value::Object(map) => map.get(&step),
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

pub(super) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pointers_reach_everything() {
        let doc = json!({"paths": {"/a b/{c}": {"get": [1, 2]}}, "x~y": 3, "100%": 4});
        for (fragment, found) in [
            ("/paths/~1a b~1{c}/get/1", json!(2)),
            ("/paths/~1a%20b~1%7Bc%7D/get/0", json!(1)),
            ("/x~0y", json!(3)),
            ("/100%", json!(4)),
        ] {
            assert_eq!(lookup(&doc, fragment), Some(&found), "{fragment}");
        }
        assert_eq!(lookup(&doc, ""), Some(&doc));
        for nowhere in ["/y", "/paths/1", "paths", "/paths/~1a b~1{c}/get/x", "/x~0y/deeper"] {
            assert_eq!(lookup(&doc, nowhere), None, "{nowhere}");
        }
    }
}
