//! Paginators from the document.

use serde_json::Value as Json;

use super::auth::unknown;
use super::build::{Wrong, at};
use super::model::{PaginatorModel, TextOr};
use crate::error::Error;
use crate::rest::paginate::{Expected, Paginator};

/// The kinds and the keys that each understands, besides those of all.
const KINDS: [(&str, &[&str]); 10] = [
    ("auto", &[]),
    ("single_page", &[]),
    ("header_link", &["links_next_key"]),
    ("json_link", &["next_url_path"]),
    ("json_response", &["next_url_path"]),
    ("page_number", &["base_page", "page", "page_param", "page_body_path", "maximum_page", "total_path"]),
    (
        "offset",
        &[
            "limit",
            "offset",
            "offset_param",
            "offset_body_path",
            "limit_param",
            "limit_body_path",
            "maximum_offset",
            "total_path",
        ],
    ),
    ("cursor", &["cursor_path", "cursor_param", "cursor_body_path"]),
    ("header_cursor", &["cursor_key", "cursor_param", "cursor_body_path"]),
    ("last_record", &["record_field", "cursor_param", "cursor_body_path"]),
];
const ALL: [&str; 5] =
    ["type", "has_more_path", "stop_after_empty_page", "stop_after_short_page", "max_pages"];

pub(super) fn paginator(model: &TextOr<PaginatorModel>, pointer: &str) -> Result<Paginator, Wrong> {
    let short;
    let model = match model {
        TextOr::Full(model) => model.as_ref(),
        TextOr::Text(kind) => {
            short = PaginatorModel { kind: Some(kind.clone()), ..PaginatorModel::default() };
            &short
        }
    };
    let kind = model.kind.as_deref().unwrap_or("auto");
    let Some((_, keys)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        return Err(unknown(kind, &KINDS.map(|(known, _)| known), "paginator", pointer));
    };
    refuse_others(model, kind, keys, pointer)?;
    let text = |value: &Option<String>, default: &str| value.clone().unwrap_or_else(|| default.to_owned());
    let paginator = match kind {
        "single_page" => Paginator::single_page(),
        "header_link" => Paginator::header_link().rel(text(&model.links_next_key, "next")),
        "json_link" | "json_response" => Paginator::json_link(text(&model.next_url_path, "next")),
        "page_number" => {
            let base = model.base_page.unwrap_or(0);
            let mut paginator = Paginator::page_number().first(base);
            paginator.start = model.page;
            paginator.maximum = model.maximum_page;
            one_of(paginator, &model.page_param, &model.page_body_path, "page", pointer)?
        }
        "offset" => {
            let limit = model.limit.ok_or_else(|| {
                at(pointer, Error::config("the paginator `offset` needs `limit`, the size of a page"))
            })?;
            let mut paginator = Paginator::offset(limit).first(model.offset.unwrap_or(0));
            paginator.maximum = model.maximum_offset;
            if let Some(name) = &model.limit_param {
                paginator = paginator.limit_param(name);
            }
            if let Some(path) = &model.limit_body_path {
                paginator = paginator.limit_to_body(path);
            }
            one_of(paginator, &model.offset_param, &model.offset_body_path, "offset", pointer)?
        }
        "cursor" => to(Paginator::cursor(text(&model.cursor_path, "cursors.next")), model, pointer)?,
        "header_cursor" => to(Paginator::header_cursor(text(&model.cursor_key, "next")), model, pointer)?,
        "last_record" => to(Paginator::last_record(text(&model.record_field, "id")), model, pointer)?,
        _ => Paginator::auto(),
    };
    let mut paginator = rules(paginator, model);
    if matches!(kind, "page_number" | "offset") {
        paginator.total = match &model.total_path {
            None => Some(Expected { path: "total".to_owned(), required: false }),
            Some(None) => None,
            Some(Some(path)) => Some(Expected { path: path.clone(), required: true }),
        };
    }
    Ok(paginator)
}

fn to(paginator: Paginator, model: &PaginatorModel, pointer: &str) -> Result<Paginator, Wrong> {
    one_of(paginator, &model.cursor_param, &model.cursor_body_path, "cursor", pointer)
}

/// A value goes either into the query or into the body.
fn one_of(
    paginator: Paginator,
    param: &Option<String>,
    body: &Option<String>,
    what: &str,
    pointer: &str,
) -> Result<Paginator, Wrong> {
    match (param, body) {
        (Some(_), Some(_)) => {
            let message = format!("the {what} goes either into `{what}_param` or into `{what}_body_path`");
            Err(at(pointer, Error::config(message)))
        }
        (Some(name), None) => Ok(paginator.param(name)),
        (None, Some(path)) => Ok(paginator.to_body(path)),
        (None, None) => Ok(paginator),
    }
}

fn rules(mut paginator: Paginator, model: &PaginatorModel) -> Paginator {
    paginator.has_more.clone_from(&model.has_more_path);
    paginator.stop_on_short = model.stop_after_short_page;
    paginator.max_pages = model.max_pages;
    if let Some(stop) = model.stop_after_empty_page {
        paginator.stop_on_empty = stop;
    }
    paginator
}

/// Keys that another kind of paginator has.
fn refuse_others(model: &PaginatorModel, kind: &str, keys: &[&str], pointer: &str) -> Result<(), Wrong> {
    let given = serde_json::to_value(model).unwrap_or_default();
    let given = given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let mut given = given
        .filter(|(key, _): &(&String, &Json)| !ALL.contains(&key.as_str()) && !keys.contains(&key.as_str()));
    let Some((key, _)) = given.next() else { return Ok(()) };
    let error = Error::config(format!("the paginator `{kind}` has no `{key}`"));
    let owner = KINDS.iter().find(|(_, keys)| keys.contains(&key.as_str()));
    let error = match owner {
        Some((owner, _)) => error.help(format!("`{key}` is for `{owner}`: state it as `type`")),
        None => error,
    };
    Err(at(&format!("{pointer}/{key}"), error))
}
