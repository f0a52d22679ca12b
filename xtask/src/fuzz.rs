//! Documents with something wrong in them, as many as wanted: none stops the generator.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use floe_codegen::{Document, Limits, Options, connector, declarative, inspect};
use serde_json::{Value, json};

use crate::Result;
use crate::bench::random::Random;

/// How many documents, made of which ones.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Documents that are damaged; a built-in one without any
    #[arg(value_name = "FILE")]
    documents: Vec<PathBuf>,
    /// How many damaged documents are made
    #[arg(long, default_value_t = 10_000)]
    cases: u64,
    /// Where the random numbers begin; a failure names its own
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// No document may take longer.
const LONGEST: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut documents = vec![built_in()];
    for path in &args.documents {
        documents.push(serde_json::from_slice(&std::fs::read(path)?)?);
    }
    let start = Instant::now();
    let (mut refused, mut slowest) = (0u64, Duration::ZERO);
    for seed in args.seed..args.seed.saturating_add(args.cases) {
        let random = &mut Random::new(seed);
        let at = below(random, documents.len() as u64) as usize;
        let Some(document) = documents.get(at) else { continue };
        let text = damaged(document, random);
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| generate(&text))) {
            Ok(Ok(read)) => refused += u64::from(!read),
            Ok(Err(why)) => return Err(format!("--seed {seed} --cases 1: {why}").into()),
            Err(_) => return Err(format!("--seed {seed} --cases 1: it panicked").into()),
        }
        let time = began.elapsed();
        slowest = slowest.max(time);
        if time > LONGEST {
            return Err(format!("--seed {seed} --cases 1: it took {:.1} s", time.as_secs_f64()).into());
        }
    }
    println!(
        "{} documents, {refused} refused, in {:.0} s, the slowest in {:.2} s",
        args.cases,
        start.elapsed().as_secs_f64(),
        slowest.as_secs_f64()
    );
    Ok(())
}

/// Whether it was read; then its code has to parse.
fn generate(text: &[u8]) -> Result<bool> {
    let limits = Limits { values: 1_000_000, ..Limits::default() };
    let Ok(document) = Document::from_bytes("damaged.json", text, &limits) else { return Ok(false) };
    let Ok(api) = inspect(&document) else { return Ok(false) };
    let files = connector(&api, &Options::default())?;
    let _ = declarative(&api);
    for (path, file) in files.files.iter().filter(|(path, _)| path.ends_with(".rs")) {
        syn::parse_file(&file.text).map_err(|e| format!("{path} does not parse: {e}"))?;
    }
    Ok(true)
}

/// Exchanges some values for others, and now and then some bytes.
fn damaged(document: &Value, random: &mut Random) -> Vec<u8> {
    let mut document = document.clone();
    for _ in 0..=below(random, 6) {
        let places = count(&document) as u64;
        let other = match below(random, 3) {
            0 => take(&document, &mut (below(random, places) as usize)).cloned().unwrap_or_default(),
            _ => odd(random),
        };
        replace(&mut document, &mut (below(random, places) as usize), &other);
    }
    let mut text = document.to_string().into_bytes();
    if below(random, 10) == 0 {
        for _ in 0..=below(random, 4) {
            let at = below(random, text.len() as u64) as usize;
            if let Some(byte) = text.get_mut(at) {
                *byte = below(random, 256) as u8;
            }
        }
    }
    text
}

/// A number from 0 on, below another one.
fn below(random: &mut Random, end: u64) -> u64 {
    random.bits() % end.max(1)
}

fn odd(random: &mut Random) -> Value {
    let all = [
        json!(null),
        json!(-1),
        json!(1e308),
        json!(""),
        json!("\"); evil(); //"),
        json!([]),
        json!({}),
        json!(true),
        json!({"$ref": "#"}),
        json!({"$ref": "#/components/schemas/Row"}),
        json!({"allOf": [{"$ref": "#/components/schemas/Row"}, {"$ref": "#/components/schemas/Row"}]}),
        json!({"oneOf": [{"type": "null"}, {"type": "array"}]}),
        json!("array"),
        json!("../../etc/passwd"),
    ];
    all.get(below(random, all.len() as u64) as usize).cloned().unwrap_or_default()
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn count(value: &Value) -> usize {
    1 + children(value).into_iter().map(count).sum::<usize>()
}

fn take<'v>(value: &'v Value, at: &mut usize) -> Option<&'v Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    children(value).into_iter().find_map(|child| take(child, at))
}

fn replace(value: &mut Value, at: &mut usize, other: &Value) -> bool {
    if *at == 0 {
        *value = other.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, at, other)),
        Value::Object(map) => map.values_mut().any(|item| replace(item, at, other)),
        _ => false,
    }
}

/// A small document with something of everything.
fn built_in() -> Value {
    let row = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer"}, "updated_at": {"type": "string", "format": "date-time"}, "tags": {"type": "array", "items": {"type": "string"}},
        "owner": {"anyOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]}, "kind": {"type": "string", "enum": ["a", "b", "+1", "-1"]}}});
    let list = json!({"200": {"headers": {"Link": {}}, "content": {"application/json": {"schema": {"type": "object", "properties": {
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}, "next_cursor": {"type": "string"}, "total": {"type": "integer"}}}}}}});
    let query = |name: &str| json!({"name": name, "in": "query", "description": "a date", "schema": {"type": "string"}});
    json!({
        "openapi": "3.0.0", "info": {"title": "Rows", "version": "1", "description": "Authorization: Bearer"},
        "servers": [{"url": "https://{host}", "variables": {"host": {"default": "rows.example"}}}], "security": [{"key": []}],
        "components": {"schemas": {"Row": row, "Owner": {"allOf": [{"$ref": "#/components/schemas/Row"}, {"properties": {"name": {"type": "string"}}}]}},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "x"}}}}},
        "paths": {
            "/rows": {"get": {"operationId": "rows", "tags": ["rows"], "parameters": [query("cursor"), query("updated_since"), query("limit"), query("offset"), query("page")], "responses": list}},
            "/rows/{rowId}": {"parameters": [{"name": "rowId", "in": "path", "required": true, "schema": {"type": "integer"}}],
                "get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Row"}}}}}}},
            "/rows/{rowId}/parts": {"get": {"deprecated": true, "responses": {"2XX": {"content": {"*/*": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Owner"}}}}}}}},
        },
    })
}
