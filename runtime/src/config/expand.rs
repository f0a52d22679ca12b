//! Variables in texts: `${NAME}` and `${NAME:-default}`.

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfilled {
    /// A variable has no value.
    Missing(String),
    /// A variable has no end. Otherwise the text would be this.
    Unclosed(String),
}

/// Puts in the values of variables.
pub(crate) fn expand(text: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<String, Unfilled> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((inside, behind)) = after.split_once('}') else {
            return Err(Unfilled::Unclosed(out + "${" + after));
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        match variables(name).or(default.map(str::to_owned)) {
            Some(value) => out.push_str(&value),
            None => return Err(Unfilled::Missing(name.to_owned())),
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let variables = |name: &str| (name == "A").then(|| "x".to_owned());
        assert_eq!(expand("${A}-${B:-y}$", &variables).unwrap(), "x-y$");
        assert_eq!(expand("${B}", &variables), Err(Unfilled::Missing("B".to_owned())));
        assert_eq!(expand("${A}${A", &variables), Err(Unfilled::Unclosed("x${A".to_owned())));
    }
}
