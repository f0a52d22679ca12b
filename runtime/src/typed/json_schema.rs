//! JSON Schema of a table, for editors and other tools.

use floe_schema::DataType;
use floe_schema::typed::{ColumnType, FieldDef, Shape};
use serde_json::{Map, Value as Json, json};

use super::Table;

/// What items of a table look like, as a JSON Schema.
///
/// ```
/// # use floe::prelude::*;
/// #[derive(Table)]
/// struct Order { id: i64, note: Option<String>, lines: Vec<Line> }
/// #[derive(Table)]
/// struct Line { sku: String }
///
/// let schema = floe::json_schema::<Order>();
/// assert_eq!(schema["properties"]["note"]["type"], serde_json::json!(["string", "null"]));
/// assert_eq!(schema["properties"]["lines"]["items"]["required"], serde_json::json!(["sku"]));
/// ```
pub fn json_schema<T: Table>() -> Json {
    let table = const { T::TABLE };
    let mut schema = object(table.fields, &mut Vec::new());
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), table.name.into());
    if let Some(text) = table.description {
        schema.insert("description".to_owned(), text.into());
    }
    Json::Object(schema)
}

/// Types that are being described; one of them inside itself is left open.
type OpenTypes = Vec<*const FieldDef>;

fn object(fields: &'static [FieldDef], open: &mut OpenTypes) -> Map<String, Json> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    members(fields, open, &mut properties, &mut required);
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("required".to_owned(), required.into());
    schema
}

fn members(
    fields: &'static [FieldDef],
    open: &mut OpenTypes,
    properties: &mut Map<String, Json>,
    required: &mut Vec<Json>,
) {
    open.push(fields.as_ptr());
    for field in fields {
        if let (true, Shape::Row { fields, .. }) = (field.key.is_empty(), field.shape) {
            members(fields, open, properties, required);
            continue;
        }
        // what is hidden or left out may be anything before
        let mut schema = if field.policy.is_some() { Map::new() } else { value(field.shape, open) };
        if let Some(text) = field.description {
            schema.insert("description".to_owned(), text.into());
        }
        properties.insert(field.key.to_owned(), schema.into());
        if !field.shape.is_nullable() {
            required.push(field.key.into());
        }
    }
    open.pop();
}

fn value(shape: Shape, open: &mut OpenTypes) -> Map<String, Json> {
    match shape {
        Shape::Column { of, nullable } => nullable_if(nullable, column(of)),
        Shape::Row { fields, .. } if open.contains(&fields.as_ptr()) => Map::new(),
        Shape::Row { fields, nullable } => nullable_if(nullable, object(fields, open)),
        // a map whose entries are rows
        Shape::List(Shape::Row { fields: [key, of], .. }) if key.is_entry_key() => {
            let mut schema = Map::new();
            schema.insert("type".to_owned(), "object".into());
            schema.insert("additionalProperties".to_owned(), value(of.shape, open).into());
            schema
        }
        Shape::List(element) => {
            let mut schema = Map::new();
            schema.insert("type".to_owned(), "array".into());
            schema.insert("items".to_owned(), value(*element, open).into());
            schema
        }
        Shape::Again(shape) => value(shape(), open),
    }
}

fn column(of: ColumnType) -> Map<String, Json> {
    let schema = match of.data_type {
        DataType::Text => json!({"type": "string"}),
        DataType::Bigint => json!({"type": "integer"}),
        DataType::Double => json!({"type": "number"}),
        DataType::Bool => json!({"type": "boolean"}),
        DataType::Timestamp if of.timezone => json!({"type": "string", "format": "date-time"}),
        DataType::Timestamp => json!({"type": "string"}),
        DataType::Date => json!({"type": "string", "format": "date"}),
        DataType::Time => json!({"type": "string", "format": "time"}),
        DataType::Decimal | DataType::Wei => json!({"type": "string", "pattern": r"^[+-]?\d*\.?\d*$"}),
        DataType::Binary => json!({"type": "string", "contentEncoding": "base64"}),
        DataType::Json => json!({}),
    };
    schema.as_object().cloned().unwrap_or_default()
}

fn nullable_if(nullable: bool, mut schema: Map<String, Json>) -> Map<String, Json> {
    if let (true, Some(kind)) = (nullable, schema.get("type").cloned()) {
        schema.insert("type".to_owned(), json!([kind, "null"]));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use floe_schema::typed::Policy;

    #[test]
    fn maps_and_hidden_values_are_described_as_they_come() {
        const ENTRY: Shape = Shape::Row {
            fields: &[FieldDef::entry_key(), FieldDef::new("value", "value", Shape::of(DataType::Double))],
            nullable: false,
        };
        const FIELDS: &[FieldDef] = &[
            FieldDef::new("phone", "phone", Shape::of(DataType::Bigint)).pii(Policy::Mask),
            FieldDef::new("prices", "prices", Shape::List(&ENTRY)),
        ];
        let schema = Json::Object(object(FIELDS, &mut Vec::new()));
        assert_eq!(schema["properties"]["phone"], json!({}));
        let prices = json!({"type": "object", "additionalProperties": {"type": "number"}});
        assert_eq!(schema["properties"]["prices"], prices);
    }
}
