//! Which type of column a single value gets.

use serde_json::Value;

use super::{Merged, Scalar, Shape};

/// The type that `type`, `format` and `enum` together mean.
pub(super) fn of(merged: &Merged<'_>) -> Shape {
    if merged.mixed {
        return Shape::Json;
    }
    let scalar = match merged.types.as_slice() {
        [] => match (merged.enumeration, merged.format) {
            (Some(values), _) => return of_values(values),
            (None, Some(format)) => of_format(format),
            (None, None) => return Shape::Json,
        },
        [one] => of_type(one, merged),
        several if several.iter().all(|t| matches!(*t, "integer" | "number")) => Some(Scalar::Number),
        // a text holds any of them, and a contract drops none
        several if several.iter().all(|t| of_type(t, merged).is_some()) => Some(Scalar::Text),
        _ => None,
    };
    scalar.map_or(Shape::Json, Shape::Scalar)
}

fn of_type(name: &str, merged: &Merged<'_>) -> Option<Scalar> {
    match name.to_ascii_lowercase().as_str() {
        "string" | "str" | "text" | "file" => Some(of_text(merged)),
        "integer" | "int" | "long" | "int32" | "int64" => Some(Scalar::Integer),
        "number" | "float" | "double" => Some(match merged.format {
            Some("int32" | "int64" | "integer" | "long") => Scalar::Integer,
            _ => Scalar::Number,
        }),
        "boolean" | "bool" => Some(Scalar::Bool),
        "date" => Some(Scalar::Date),
        "datetime" | "date-time" => Some(Scalar::Timestamp),
        _ => None,
    }
}

fn of_text(merged: &Merged<'_>) -> Scalar {
    match merged.format {
        Some("date-time" | "google-datetime" | "iso-datetime" | "datetime" | "dateTime" | "iso8601") => {
            Scalar::Timestamp
        }
        Some("date") => Scalar::Date,
        Some("time") => Scalar::Time,
        _ => Scalar::Text,
    }
}

fn of_format(format: &str) -> Option<Scalar> {
    Some(match format {
        "int32" | "int64" | "uint32" | "integer" => Scalar::Integer,
        "float" | "double" | "decimal" | "number" => Scalar::Number,
        "date-time" | "google-datetime" => Scalar::Timestamp,
        "date" => Scalar::Date,
        "boolean" => Scalar::Bool,
        "uuid" | "uri" | "email" | "byte" | "string" | "hostname" | "ipv4" | "ipv6" => Scalar::Text,
        _ => return None,
    })
}

fn of_values(values: &[Value]) -> Shape {
    let mut values = values.iter().filter(|v| !v.is_null());
    let kind = |value: &Value| match value {
        Value::Bool(_) => Some(Scalar::Bool),
        Value::Number(n) if n.is_f64() => Some(Scalar::Number),
        Value::Number(_) => Some(Scalar::Integer),
        Value::String(_) => Some(Scalar::Text),
        _ => None,
    };
    let Some(mut all) = values.next().and_then(kind) else { return Shape::Json };
    for value in values {
        match kind(value) {
            Some(one) if one == all => {}
            Some(_) => all = Scalar::Text,
            None => return Shape::Json,
        }
    }
    Shape::Scalar(all)
}
