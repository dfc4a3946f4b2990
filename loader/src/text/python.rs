//! Writes values as Python does, because chat templates expect that.

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind};

/// Levels of nesting that `tojson` writes. JSON files have at most 128, the limit of `serde_json`.
const DEEPEST: usize = 200;

/// Python's `str(x)` of a float.
pub(crate) fn float(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{x:e}");
    let Some((digits, Ok(exponent))) = scientific.split_once('e').map(|(d, e)| (d, e.parse::<i32>())) else {
        return scientific;
    };
    if x == 0.0 || (-4..16).contains(&exponent) {
        return format!("{x:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The filter `tojson` of transformers: `json.dumps` with the separators `", "` and `": "`, and Unicode kept.
///
/// The arguments `ensure_ascii`, `indent`, `separators` and `sort_keys` come by position or by name.
pub(crate) fn tojson(value: &Value, positional: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    if positional.len() > 4 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let argument = |position: usize, name: &str| -> Result<Value, Error> {
        let by_name = named.get::<Option<Value>>(name)?;
        Ok(positional.get(position).cloned().or(by_name).unwrap_or(Value::from(())))
    };
    let ascii = argument(0, "ensure_ascii")?.is_true();
    let indent = read_indent(&argument(1, "indent")?)?;
    let separators = argument(2, "separators")?;
    let sort = argument(3, "sort_keys")?.is_true();
    named.assert_all_used()?;
    let (item, key) = match (separators.is_none(), &indent) {
        (false, _) => (separator(&separators, 0)?, separator(&separators, 1)?),
        (true, None) => (", ".into(), ": ".into()),
        (true, Some(_)) => (",".into(), ": ".into()),
    };
    let mut writer = Writer { out: String::new(), indent, item, key, ascii, sort };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// Reads the argument `indent`: none, a number of spaces, or a text.
fn read_indent(indent: &Value) -> Result<Option<String>, Error> {
    match indent.kind() {
        ValueKind::None | ValueKind::Undefined => Ok(None),
        ValueKind::String => Ok(indent.as_str().map(str::to_owned)),
        // Python's `True` is the number 1.
        ValueKind::Bool => Ok(Some(" ".repeat(usize::from(indent.is_true())))),
        _ => match indent.as_i64() {
            Some(n @ ..=64) => Ok(Some(" ".repeat(usize::try_from(n).unwrap_or(0)))),
            _ => Err(invalid("tojson: `indent` must be at most 64, or a string")),
        },
    }
}

fn separator(pair: &Value, index: usize) -> Result<String, Error> {
    let item = pair.get_item_by_index(index)?;
    let text = item.as_str().ok_or_else(|| invalid("tojson: `separators` must be a pair of strings"))?;
    Ok(text.to_owned())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// The state of `json.dumps`.
struct Writer {
    out: String,
    indent: Option<String>,
    item: String,
    key: String,
    ascii: bool,
    sort: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(invalid("tojson: the value is nested too deeply"));
        }
        match value.kind() {
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => self.list(value, depth)?,
            ValueKind::Map => self.object(value, depth)?,
            _ => self.out.push_str(&scalar(value)?),
        }
        Ok(())
    }

    fn list(&mut self, list: &Value, depth: usize) -> Result<(), Error> {
        self.out.push('[');
        let mut empty = true;
        for item in list.try_iter()?.checked() {
            self.next(&mut empty, depth + 1);
            self.value(&item?, depth + 1)?;
        }
        self.close(']', empty, depth);
        Ok(())
    }

    fn object(&mut self, object: &Value, depth: usize) -> Result<(), Error> {
        self.out.push('{');
        let mut keys: Vec<Value> = object.try_iter()?.checked().collect::<Result<_, _>>()?;
        if self.sort {
            keys.sort();
        }
        let mut empty = true;
        for key in keys {
            self.next(&mut empty, depth + 1);
            match key.as_str() {
                Some(name) => self.string(name),
                None => self.string(&scalar(&key)?),
            }
            self.out.push_str(&self.key);
            self.value(&object.get_item(&key)?, depth + 1)?;
        }
        self.close('}', empty, depth);
        Ok(())
    }

    /// Writes the separator and the new line before an item.
    fn next(&mut self, first: &mut bool, depth: usize) {
        if !std::mem::replace(first, false) {
            self.out.push_str(&self.item);
        }
        self.line(depth);
    }

    fn close(&mut self, bracket: char, empty: bool, depth: usize) {
        if !empty {
            self.line(depth);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            self.out.push_str(&indent.repeat(depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if c < ' ' || (self.ascii && !(' '..='~').contains(&c)) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// The JSON of a value that is neither text nor a container.
fn scalar(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::None => Ok("null".into()),
        ValueKind::Bool => Ok(if value.is_true() { "true".into() } else { "false".into() }),
        ValueKind::Number if value.is_integer() => Ok(value.to_string()),
        ValueKind::Number => Ok(match f64::try_from(value.clone())? {
            x if x.is_nan() => "NaN".into(),
            x if x.is_infinite() => {
                if x > 0.0 {
                    "Infinity".into()
                } else {
                    "-Infinity".into()
                }
            }
            x => float(x),
        }),
        kind => Err(invalid(format!("tojson: a value of kind {kind} is not JSON serializable"))),
    }
}
