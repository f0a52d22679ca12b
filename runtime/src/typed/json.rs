//! Values that stay whole.

use floe_schema::DataType;
use floe_schema::typed::Shape;
use serde::{Deserialize, Serialize};

use super::{Field, RowWriter};

/// A value that is one column of JSON, whatever is in it.
///
/// ```
/// use floe::{Json, RowWriter};
/// let reactions: Json = Json(serde_json::json!({"+1": 2}));
/// assert_eq!(RowWriter::text(&reactions).unwrap(), r#"{"+1":2}"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T = serde_json::Value>(pub T);

impl<T: Serialize> Field for Json<T> {
    const SHAPE: Shape = Shape::of(DataType::Json);

    fn write(&self, out: &mut RowWriter) {
        out.json(&self.0);
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> std::ops::Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
