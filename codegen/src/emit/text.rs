//! Text of the document in generated files: made harmless and short.

/// One line without anything that a reader would not see.
pub(super) fn line(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !out.is_empty();
        } else if !hidden(c) {
            if blank {
                out.push(' ');
            }
            blank = false;
            out.push(c);
        }
        if out.len() >= longest * 4 {
            break;
        }
    }
    if out.chars().count() <= longest {
        return out;
    }
    let cut: String = out.chars().take(longest).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", cut.trim_end_matches([',', '.', ';', ':', ' ']))
}

/// The first sentence of a description, as one line of documentation.
pub(super) fn doc(text: &str, otherwise: &str) -> String {
    // markup of descriptions is no documentation
    let text = line(&without_tags(text), 400);
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    let sentence = line(text.get(..end).unwrap_or(&text), 96);
    let sentence = if sentence.chars().any(char::is_alphanumeric) { sentence } else { line(otherwise, 96) };
    let mut out = String::from(" ");
    for c in sentence.chars() {
        match c {
            '[' | ']' | '<' | '>' | '\\' | '*' | '_' | '`' | '#' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // an address in angle brackets is a link
    out.replace("://", ": //")
}

/// Text for Markdown files.
pub(super) fn markdown(text: &str, longest: usize) -> String {
    doc(&line(text, longest), "").trim().to_owned()
}

/// A cell of a table: a name or a path, whole unless it is very long.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in line(text, 120).chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '\\' | '*' | '_' | '`' | '#' | '|' | '~' | '&' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out.replace("://", ": //")
}

fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let tag = tail
            .get(1..)
            .is_some_and(|t| t.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!'));
        match tail.find('>').filter(|_| tag) {
            Some(end) => {
                out.push(' ');
                rest = tail.get(end + 1..).unwrap_or_default();
            }
            None => {
                out.push('<');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// Characters that are not seen, or that turn the direction of text around.
pub(super) fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_is_one_harmless_line() {
        assert_eq!(doc("Lists <b>all</b> pets. And more.", ""), " Lists all pets.");
        assert_eq!(doc("", "Pets"), " Pets");
        assert_eq!(doc("a\n*/ fn evil() {}\u{202e} [x](y)", ""), " a \\*/ fn evil() {} \\[x\\](y)");
        assert!(doc(&"word ".repeat(200), "").chars().count() < 110);
    }
}
