//! The header `Link` of RFC 8288.

/// The address of the first link with a relation.
pub(crate) fn target<'h>(headers: impl IntoIterator<Item = &'h str>, relation: &str) -> Option<String> {
    headers.into_iter().find_map(|header| {
        let mut rest = header;
        while let Some((link, behind)) = next(rest) {
            // the first `rel` counts, and links about something else are not ours
            let rel = link.parameter("rel").unwrap_or_default();
            let wanted = rel.split_whitespace().any(|word| word.eq_ignore_ascii_case(relation));
            if wanted && link.parameter("anchor").is_none() {
                return Some(link.target.to_owned());
            }
            rest = behind;
        }
        None
    })
}

struct Link<'h> {
    target: &'h str,
    parameters: Vec<(String, String)>,
}

impl Link<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The first link and what is behind it. Whatever is no link is passed over.
fn next(text: &str) -> Option<(Link<'_>, &str)> {
    let (_, rest) = text.split_once('<')?;
    let (target, mut rest) = rest.split_once('>')?;
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(behind) = rest.strip_prefix(';') else { break };
        let behind = behind.trim_start();
        let end = behind.find(['=', ';', ',']).unwrap_or(behind.len());
        let (name, behind) = behind.split_at(end);
        let name = name.trim().to_ascii_lowercase();
        match behind.strip_prefix('=') {
            None => {
                parameters.push((name, String::new()));
                rest = behind;
            }
            Some(behind) => {
                let (value, behind) = value(behind.trim_start());
                parameters.push((name, value));
                rest = behind;
            }
        }
    }
    Some((Link { target: target.trim(), parameters }, rest))
}

/// A word, or a text in quotes with escapes.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        return (word.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_are_found_by_their_relation() {
        for (header, wanted) in [
            (
                r#"<https://a/?page=2>; rel="next", <https://a/?page=9>; rel="last""#,
                Some("https://a/?page=2"),
            ),
            (r#"<https://a/?page=9>; rel="last", </b?c=1,2;3>; rel=next"#, Some("/b?c=1,2;3")),
            (r#"<x>; title="a, b; rel=\"next\""; REL="prev Next""#, Some("x")),
            (r#"<x>; rel="prev"; rel="next""#, None),
            (r#"<x>; rel="next"; anchor="/other", <y>; rel="next""#, Some("y")),
            (r#"<x>; foo; rel = "next""#, Some("x")),
            ("<x>", None),
            ("rel=next", None),
            ("", None),
        ] {
            assert_eq!(target([header], "next").as_deref(), wanted, "{header}");
        }
        assert_eq!(target(["<a>; rel=prev", "<b>; rel=next"], "next").as_deref(), Some("b"));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(text in "[<>;=\", a-crelnxt\\\\ü]{0,40}") {
            let _ = target([text.as_str()], "next");
        }
    }
}
