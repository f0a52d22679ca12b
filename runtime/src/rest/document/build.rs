//! From the vocabulary of the document to endpoints and resources.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value as Json};

use super::auth::auth;
use super::model::{
    ActionModel, ActionWord, ClientModel, Convert, Document, EndpointModel, IncrementalModel, ResourceModel,
    StepModel, TextOr,
};
use super::pages::paginator;
use super::place::escaped;
use super::{Part, Source};
use crate::error::Error;
use crate::incremental::{CursorPath, Incremental};
use crate::resource::Resource;
use crate::rest::action::Action;
use crate::rest::api::Api;
use crate::rest::client::limit::Limits;
use crate::rest::client::retry::Retry;
use crate::rest::endpoint::{Content, Endpoint, Parent, Since};
use crate::rest::since::{self, TimeFormat};
use crate::rest::steps::{Condition, Step, Test};
use crate::rest::template::{Shape, Template};

/// What is wrong, and where in the document.
pub(super) type Wrong = (Error, String);

pub(super) fn at(pointer: &str, error: Error) -> Wrong {
    (error, pointer.to_owned())
}

/// Adds the way out.
pub(super) trait MapHelp {
    fn map_help(self, help: &str) -> Self;
}

impl MapHelp for Wrong {
    fn map_help(self, help: &str) -> Self {
        (self.0.help(help), self.1)
    }
}

pub(super) fn source(document: Document) -> Result<Source, Wrong> {
    let api = api(&document.client)?;
    let mut resources = Vec::new();
    for (n, entry) in document.resources.into_iter().enumerate() {
        let pointer = format!("/resources/{n}");
        let own = match entry {
            TextOr::Full(model) => *model,
            TextOr::Text(path) => ResourceModel { name: Some(path), ..ResourceModel::default() },
        };
        resources.push((merged(document.resource_defaults.clone().unwrap_or_default(), own), pointer));
    }
    let names: Vec<String> = resources.iter().filter_map(|(model, _)| model.name.clone()).collect();
    let mut parts = Vec::new();
    for (model, pointer) in resources {
        let name =
            model.name.clone().ok_or_else(|| at(&pointer, Error::config("a resource needs a `name`")))?;
        if parts.iter().any(|part: &Part| part.resource.name() == name) {
            return Err(at(&pointer, Error::config(format!("there are two resources `{name}`"))));
        }
        let part = part(&api, model, name, &pointer)?;
        if let Some(parent) = part.endpoint.parent.as_ref().map(|parent| &parent.resource)
            && !names.contains(parent)
        {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let error = Error::config(format!("there is no resource `{parent}` to take fields from"));
            let error = match crate::nearest(parent, &known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("the resources are {}", known.join(", "))),
            };
            return Err(at(&format!("{pointer}/endpoint"), error));
        }
        parts.push(part);
    }
    Ok(Source { api, parts: in_order(parts)? })
}

/// Parents come before those that need them.
fn in_order(mut parts: Vec<Part>) -> Result<Vec<Part>, Wrong> {
    let mut ordered: Vec<Part> = Vec::new();
    while !parts.is_empty() {
        let ready = parts.iter().position(|part| {
            let parent = part.endpoint.parent.as_ref();
            parent.is_none_or(|parent| ordered.iter().any(|done| done.resource.name() == parent.resource))
        });
        match ready {
            Some(n) => ordered.push(parts.remove(n)),
            None => {
                let names: Vec<&str> = parts.iter().map(|part| part.resource.name()).collect();
                let message = format!("{} need each other, so that none can be first", names.join(", "));
                return Err(at("/resources", Error::config(message)));
            }
        }
    }
    Ok(ordered)
}

fn api(client: &ClientModel) -> Result<Api, Wrong> {
    let pointer = "/client";
    if client.base_url.is_empty() {
        return Err(at(pointer, Error::config("`base_url` is missing")));
    }
    let mut api = Api::new(&client.base_url);
    api.base().map_err(|error| at("/client/base_url", error))?;
    for (name, value) in client.headers.iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        api = api.header(name, value);
    }
    if let Some(model) = &client.auth {
        api = api.auth(auth(model, "/client/auth")?);
    }
    if let Some(model) = &client.paginator {
        api = api.paginate(paginator(model, "/client/paginator")?);
    }
    for host in &client.allow_hosts {
        api = api.allow_host(host);
    }
    if let Some(proxy) = &client.proxy {
        api = api.proxy(proxy.expose());
    }
    if let Some(file) = &client.trust {
        api = api.trust(file);
    }
    if let Some(name) = &client.user_agent {
        api = api.user_agent(name);
    }
    Ok(api.limits(limits(client)?).retry(retry(client)?))
}

fn limits(client: &ClientModel) -> Result<Limits, Wrong> {
    let mut limits = Limits::default();
    let Some(model) = &client.limits else { return Ok(limits) };
    if let Some(concurrency) = model.concurrency {
        limits = limits.concurrency(concurrency);
    }
    if let Some(bytes) = model.page_bytes {
        limits = limits.page_bytes(bytes);
    }
    if let Some(text) = &model.read_timeout {
        limits = limits.read_timeout(time(text, "/client/limits/read_timeout")?);
    }
    if let Some(text) = &model.total_timeout {
        limits = limits.total_timeout(time(text, "/client/limits/total_timeout")?);
    }
    for (n, rate) in model.rates.iter().enumerate() {
        let per = time(&rate.per, &format!("/client/limits/rates/{n}/per"))?;
        let path = rate.path.as_deref().unwrap_or("*");
        limits = limits.rate(rate.name.as_deref().unwrap_or(path), path, rate.requests, per);
    }
    Ok(limits)
}

fn retry(client: &ClientModel) -> Result<Retry, Wrong> {
    let mut retry = Retry::default();
    let Some(model) = &client.retry else { return Ok(retry) };
    if let Some(attempts) = model.attempts {
        retry = retry.attempts(attempts);
    }
    if let Some(text) = &model.longest_wait {
        retry = retry.longest_wait(time(text, "/client/retry/longest_wait")?);
    }
    Ok(retry)
}

fn time(text: &str, pointer: &str) -> Result<Duration, Wrong> {
    since::duration(text).ok_or_else(|| {
        at(pointer, Error::config(format!("`{text}` is no time"))).map_help("write it as 45s, 30m, 12h or 7d")
    })
}

/// What the resource says, and what the defaults say where it says nothing. Parameters and JSON bodies
/// are put together key by key, as dlt does.
fn merged(defaults: ResourceModel, own: ResourceModel) -> ResourceModel {
    let full = |endpoint: Option<TextOr<EndpointModel>>| match endpoint {
        None => EndpointModel::default(),
        Some(TextOr::Text(path)) => EndpointModel { path: Some(path), ..EndpointModel::default() },
        Some(TextOr::Full(model)) => *model,
    };
    let (base, mut endpoint) = (full(defaults.endpoint), full(own.endpoint));
    let both = |base: Option<Map<String, Json>>, own: Option<Map<String, Json>>| match (base, own) {
        (Some(mut base), Some(own)) => {
            base.extend(own);
            Some(base)
        }
        (base, own) => own.or(base),
    };
    endpoint.json = match (base.json, endpoint.json) {
        (Some(Json::Object(base)), Some(Json::Object(own))) => both(Some(base), Some(own)).map(Json::Object),
        (base, own) => own.or(base),
    };
    let endpoint = EndpointModel {
        path: endpoint.path.or_else(|| own.name.clone()),
        method: endpoint.method.or(base.method),
        params: both(base.params, endpoint.params),
        json: endpoint.json,
        data: endpoint.data.or(base.data),
        headers: both(base.headers, endpoint.headers),
        paginator: endpoint.paginator.or(base.paginator),
        data_selector: endpoint.data_selector.or(base.data_selector),
        response_actions: endpoint.response_actions.or(base.response_actions),
        incremental: endpoint.incremental.or(base.incremental),
        auth: endpoint.auth.or(base.auth),
        fan_out: endpoint.fan_out.or(base.fan_out),
    };
    let columns = match (defaults.columns, own.columns) {
        (Some(Json::Object(mut base)), Some(Json::Object(own))) => {
            base.extend(own);
            Some(Json::Object(base))
        }
        (base, own) => own.or(base),
    };
    ResourceModel {
        name: own.name.or(defaults.name),
        endpoint: Some(TextOr::Full(Box::new(endpoint))),
        include_from_parent: own.include_from_parent.or(defaults.include_from_parent),
        processing_steps: own.processing_steps.or(defaults.processing_steps),
        selected: own.selected.or(defaults.selected),
        parallelized: own.parallelized.or(defaults.parallelized),
        limit: own.limit.or(defaults.limit),
        table_name: own.table_name.or(defaults.table_name),
        max_table_nesting: own.max_table_nesting.or(defaults.max_table_nesting),
        write_disposition: own.write_disposition.or(defaults.write_disposition),
        columns,
        primary_key: own.primary_key.or(defaults.primary_key),
        merge_key: own.merge_key.or(defaults.merge_key),
        schema_contract: own.schema_contract.or(defaults.schema_contract),
        file_format: own.file_format.or(defaults.file_format),
        references: own.references.or(defaults.references),
        nested_hints: own.nested_hints.or(defaults.nested_hints),
    }
}

fn part(api: &Api, model: ResourceModel, name: String, pointer: &str) -> Result<Part, Wrong> {
    let hints = [
        ("table_name", &model.table_name),
        ("max_table_nesting", &model.max_table_nesting),
        ("write_disposition", &model.write_disposition),
        ("columns", &model.columns),
        ("primary_key", &model.primary_key),
        ("merge_key", &model.merge_key),
        ("schema_contract", &model.schema_contract),
        ("file_format", &model.file_format),
        ("references", &model.references),
        ("nested_hints", &model.nested_hints),
    ];
    let mut description = Map::from_iter([("name".to_owned(), Json::from(name))]);
    for (key, value) in hints {
        description.extend(value.clone().map(|value| (key.to_owned(), value)));
    }
    let mut resource = Resource::from_json(&Json::Object(description)).map_err(|error| at(pointer, error))?;
    resource.selected = model.selected.unwrap_or(true);
    let Some(TextOr::Full(mut given)) = model.endpoint else {
        return Err(at(pointer, Error::config("a resource needs an `endpoint`")));
    };
    let within = format!("{pointer}/endpoint");
    let cursor = incremental(&mut given, &within)?;
    let mut endpoint = endpoint(api, &given, &within)?;
    if let Some((since, incremental)) = cursor {
        endpoint.since = Some(since);
        resource = resource.incremental(incremental);
    }
    endpoint.verify().map_err(|error| at(&within, error))?;
    if let Some(fields) = model.include_from_parent {
        if endpoint.parent.is_none() {
            let message = "`include_from_parent` needs a parent, and no placeholder names one";
            return Err(at(&format!("{pointer}/include_from_parent"), Error::config(message)));
        }
        endpoint = endpoint.include_from_parent(fields);
    }
    for (n, step) in model.processing_steps.iter().flatten().enumerate() {
        let pointer = format!("{pointer}/processing_steps/{n}");
        endpoint.steps.extend(steps(step).map_err(|error| at(&pointer, error))?);
    }
    endpoint.limit = model.limit;
    endpoint.verify().map_err(|error| at(&within, error))?;
    Ok(Part { resource, endpoint })
}

fn endpoint(api: &Api, model: &EndpointModel, pointer: &str) -> Result<Endpoint, Wrong> {
    let method = model.method.as_deref().unwrap_or("GET").to_uppercase();
    let method: Method = match method.as_str() {
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" => {
            method.parse().unwrap_or(Method::GET)
        }
        other => {
            return Err(at(
                &format!("{pointer}/method"),
                Error::config(format!("there is no method `{other}`")),
            ));
        }
    };
    let path = raw(model.path.as_deref().unwrap_or_default());
    let here = |key: &str| format!("{pointer}/{key}");
    let mut endpoint = api.request(method, path);
    let template = Template::parse(&endpoint.path).map_err(|error| at(&here("path"), error))?;
    let in_path: Vec<String> = template.names().map(str::to_owned).collect();
    for (name, value) in model.params.iter().flatten() {
        let place = format!("{pointer}/params/{}", escaped(name));
        match value.get("type").and_then(Json::as_str) {
            Some("resolve") => {
                let text = |key: &str| value.get(key).and_then(Json::as_str);
                let (Some(resource), Some(field)) = (text("resource"), text("field")) else {
                    let message = format!("the parameter `{name}` needs `resource` and `field`");
                    return Err(at(&place, Error::config(message)));
                };
                if !in_path.contains(name) {
                    return Err(at(
                        &place,
                        Error::config(format!("the path has no placeholder `{{{name}}}`")),
                    )
                    .map_help(&format!("elsewhere write {{resources.{resource}.{field}}}")));
                }
                adopt(&mut endpoint, resource, name, field, &place)?;
            }
            Some(other) if value.is_object() => {
                let message = format!("a parameter of the type `{other}` is unknown");
                return Err(at(&place, Error::config(message)).map_help("there are resolve and incremental"));
            }
            _ if in_path.contains(name) => endpoint = endpoint.path(name, value.clone()),
            _ => endpoint = endpoint.query(name, value.clone()),
        }
    }
    for (name, value) in model.headers.iter().flatten() {
        endpoint = endpoint.header(name, value.clone());
    }
    endpoint.body = match (&model.json, &model.data) {
        (Some(_), Some(_)) => {
            return Err(at(&here("data"), Error::config("the body is either `json` or `data`")));
        }
        (Some(json), None) => Content::Json(json.clone()),
        (None, Some(Json::String(text))) => Content::Text(text.clone()),
        (None, Some(form)) => Content::Form(form.clone()),
        (None, None) => Content::None,
    };
    let mut names = in_path;
    names_of(model, &mut names).map_err(|error| at(pointer, error))?;
    for name in names {
        if let Some(rest) = name.strip_prefix("resources.") {
            let Some((resource, field)) = rest.split_once('.') else {
                let message = format!("`{{{name}}}` names no field");
                return Err(at(pointer, Error::config(message)).map_help("write {resources.<name>.<field>}"));
            };
            adopt(&mut endpoint, resource, &name, field, pointer)?;
        }
    }
    endpoint.data.clone_from(&model.data_selector);
    endpoint.fan_out = model.fan_out.map(|parents| parents.max(1));
    if let Some(model) = &model.paginator {
        endpoint.paginator = Some(paginator(model, &here("paginator"))?);
    }
    if let Some(model) = &model.auth {
        endpoint.auth = Some(auth(model, &here("auth"))?);
    }
    for (n, model) in model.response_actions.iter().flatten().enumerate() {
        endpoint = endpoint.on(action(model, &format!("{pointer}/response_actions/{n}"))?);
    }
    Ok(endpoint)
}

/// A field of a parent stands for a placeholder.
fn adopt(
    endpoint: &mut Endpoint,
    resource: &str,
    name: &str,
    field: &str,
    pointer: &str,
) -> Result<(), Wrong> {
    let parent =
        endpoint.parent.get_or_insert_with(|| Parent { resource: resource.to_owned(), ..Parent::default() });
    if parent.resource != resource {
        let message =
            format!("fields come from `{}` and from `{resource}`, but there is one parent", parent.resource);
        return Err(at(pointer, Error::config(message)));
    }
    if !parent.fields.iter().any(|(known, _)| known == name) {
        parent.fields.push((name.to_owned(), field.to_owned()));
    }
    Ok(())
}

/// Values in the path keep their slashes, as dlt leaves them.
fn raw(path: &str) -> String {
    let mut out = String::new();
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '{' {
            match chars.peek() {
                Some('{') => out.extend(chars.next()),
                Some('+') | None => {}
                Some(_) => out.push('+'),
            }
        }
    }
    out
}

/// The names of all placeholders besides those of the path.
fn names_of(model: &EndpointModel, names: &mut Vec<String>) -> crate::Result<()> {
    let maps = [&model.params, &model.headers];
    let values = maps.into_iter().flatten().flat_map(|map| map.values());
    for value in values.chain(&model.json).chain(&model.data) {
        Shape::parse(value)?.names(&mut |name| names.push(name.to_owned()));
    }
    Ok(())
}

/// The cursor, from `incremental` or from a parameter of that type.
fn incremental(model: &mut EndpointModel, pointer: &str) -> Result<Option<(Since, Incremental)>, Wrong> {
    let is_cursor = |value: &Json| value.get("type").and_then(Json::as_str) == Some("incremental");
    let params = model.params.iter().flatten();
    let names: Vec<String> =
        params.filter(|(_, value)| is_cursor(value)).map(|(name, _)| name.clone()).collect();
    if let [_, second, ..] = names.as_slice() {
        let message = format!("the parameter `{second}` is the second that is incremental");
        return Err(at(&format!("{pointer}/params/{}", escaped(second)), Error::config(message)));
    }
    let (given, place) = match names.first() {
        None => match model.incremental.clone() {
            None => return Ok(None),
            Some(given) => (given, format!("{pointer}/incremental")),
        },
        Some(name) => {
            let place = format!("{pointer}/params/{}", escaped(name));
            let mut value =
                model.params.as_mut().and_then(|params| params.shift_remove(name)).unwrap_or_default();
            if let Json::Object(map) = &mut value {
                map.shift_remove("type");
            }
            let mut given: IncrementalModel = serde_json::from_value(value)
                .map_err(|error| at(&place, super::reworded(&error.to_string()).0))?;
            given.start_param = Some(name.clone());
            (given, place)
        }
    };
    let described = serde_json::to_value(&given).unwrap_or_default();
    let described = described.as_object().cloned().unwrap_or_default();
    let incremental = Incremental::from_json(&described).map_err(|error| at(&place, error))?;
    let window = given.window.as_deref().map(|text| time(text, &format!("{place}/window"))).transpose()?;
    let since = Since {
        cursor: given.cursor_path.unwrap_or_default(),
        start_param: given.start_param,
        end_param: given.end_param,
        format: match given.convert {
            None => TimeFormat::AsIs,
            Some(Convert::Iso) => TimeFormat::Iso,
            Some(Convert::UnixSeconds) => TimeFormat::UnixSeconds,
            Some(Convert::UnixMillis) => TimeFormat::UnixMillis,
            Some(Convert::Date) => TimeFormat::Date,
        },
        initial: given.initial_value.unwrap_or_default(),
        end: given.end_value.unwrap_or_default(),
        window,
    };
    Ok(Some((since, incremental)))
}

fn action(model: &ActionModel, pointer: &str) -> Result<Action, Wrong> {
    let action = match model.action {
        ActionWord::Ignore => Action::ignore(),
        ActionWord::Empty => Action::empty(),
        ActionWord::Retry => Action::retry(),
        ActionWord::Fail => Action::fail(),
    };
    let action = match &model.content {
        Some(text) => action.content(text),
        None => action,
    };
    let wrong = || {
        let message = "`status_code` is a status such as 404, or a class such as 4xx";
        at(&format!("{pointer}/status_code"), Error::config(message))
    };
    match &model.status_code {
        None if model.content.is_none() => {
            Err(at(pointer, Error::config("an action needs a `status_code`, a `content` or both")))
        }
        None | Some(Json::Null) => Ok(action),
        Some(Json::String(text)) if text.to_lowercase().ends_with("xx") => {
            let hundreds = text.get(..1).and_then(|digit| digit.parse().ok()).filter(|_| text.len() == 3);
            Ok(action.status_class(hundreds.ok_or_else(wrong)?))
        }
        Some(Json::String(text)) => Ok(action.status(text.parse().map_err(|_| wrong())?)),
        Some(number) => {
            let status = number.as_u64().and_then(|number| u16::try_from(number).ok());
            Ok(action.status(status.ok_or_else(wrong)?))
        }
    }
}

fn steps(model: &StepModel) -> crate::Result<Vec<Step>> {
    let mut steps = Vec::new();
    if let Some(filter) = &model.filter {
        let path = CursorPath::steps("field", &filter.field)?;
        let tests = [
            filter.equals.clone().map(Test::Equals),
            filter.not_equals.clone().map(Test::NotEquals),
            filter.one_of.clone().map(Test::In),
            filter.exists.map(Test::Exists),
        ];
        let tests: Vec<Test> = tests.into_iter().flatten().collect();
        if tests.is_empty() {
            return Err(Error::config(format!("the filter of `{}` tests nothing", filter.field))
                .help("say equals, not_equals, in or exists"));
        }
        steps.extend(tests.into_iter().map(|test| Step::condition(Condition { path: path.clone(), test })));
    }
    for path in model.exclude.iter().flatten() {
        steps.push(Step::exclude(path)?);
    }
    for (from, to) in model.rename.iter().flatten() {
        let to = to.as_str().ok_or_else(|| Error::config(format!("the new name of `{from}` is no text")))?;
        steps.push(Step::rename(from, to));
    }
    for path in model.hash.iter().flatten() {
        steps.push(match &model.salt {
            Some(salt) => Step::hash_with_salt(path, salt)?,
            None => Step::hash(path)?,
        });
    }
    Ok(steps)
}
