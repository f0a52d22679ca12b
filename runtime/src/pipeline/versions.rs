//! Versions and former hashes of the schema in the course of a run.
//!
//! dlt saves the schema more than once in a run and remembers the hash of every version in between.
//! Readers use only the hash; the rest is kept the same so that datasets of both look alike.

use floe_schema::Schema;

/// The schema as extraction leaves it. `hinted` has the hints of the resources, `with_state` also
/// the table of states, if a state was extracted.
pub(super) fn extracted(stored: Option<&Schema>, hinted: &Schema, with_state: Schema) -> Schema {
    let mut schema = with_state;
    let hashes = [stored.map(Schema::content_hash), Some(hinted.content_hash()), Some(schema.content_hash())];
    let hashes: Vec<String> = hashes.into_iter().flatten().collect();
    for pair in hashes.windows(2) {
        if let [former, latter] = pair
            && former != latter
        {
            schema.remember_hash(former.clone());
        }
    }
    schema.bump_version();
    schema
}

/// The schema as normalising leaves it.
pub(super) fn normalized(extracted: &Schema, mut result: Schema) -> Schema {
    result.version = extracted.version;
    result.version_hash = extracted.version_hash.clone();
    result.previous_hashes = extracted.previous_hashes.clone();
    result.imported_version_hash = extracted.imported_version_hash.clone();
    result.bump_version();
    result
}
