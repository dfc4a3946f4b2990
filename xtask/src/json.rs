//! Reads single fields of JSON: of what `orthrus` prints, of cargo's messages, of a driver's manifest.

/// The text of the first field of that name, quotes included. Lists must not be nested.
pub(crate) fn field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    // A match is never inside a string: there the quote before the colon is escaped.
    let (_, after) = json.split_once(&format!("\"{name}\""))?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let end = match value.as_bytes().first()? {
        b'[' => value.find(']')? + 1,
        b'"' => end_of_string(value)?,
        _ => value.find([',', '}', '\n'])?,
    };
    Some(value[..end].trim_end())
}

/// The text of a field that is a string without escapes.
pub(crate) fn text<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    field(json, name)?.strip_prefix('"')?.strip_suffix('"')
}

/// The value of a field that is a number.
pub(crate) fn number(json: &str, name: &str) -> Option<f64> {
    field(json, name)?.parse().ok()
}

fn end_of_string(value: &str) -> Option<usize> {
    let mut escaped = false;
    for (i, byte) in value.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(i + 1),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{field, number, text};

    const OBJECT: &str =
        r#"{"output_ids":[1,22,3],"text":"a \"tpf\": 7, \\","adapter": "x","stats":{"tpf":2.5,"n":3}}"#;

    #[test]
    fn fields_are_found() {
        assert_eq!(field(OBJECT, "output_ids"), Some("[1,22,3]"));
        assert_eq!(field(OBJECT, "text"), Some(r#""a \"tpf\": 7, \\""#));
        assert_eq!(text(OBJECT, "adapter"), Some("x"));
        assert_eq!(number(OBJECT, "tpf"), Some(2.5));
        assert_eq!(number(OBJECT, "n"), Some(3.0));
        assert_eq!(field(OBJECT, "missing"), None);
        assert_eq!(number(OBJECT, "adapter"), None);
        assert_eq!(field(r#"{"cut":"#, "cut"), None);
    }
}
