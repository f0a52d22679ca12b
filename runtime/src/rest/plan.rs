//! An endpoint made ready: paths and placeholders are read, and every name is known.

use std::sync::Arc;

use serde_json::Value as Json;

use super::action::Action;
use super::api::Api;
use super::auth::Auth;
use super::client::Client;
use super::client::message::{Body, Request};
use super::endpoint::{Content, Endpoint, Parent, Since};
use super::paginate::course::{Course, elsewhere, is_allowed};
use super::paginate::single_entity;
use super::params::{In, Ready, Style};
use super::select::Selector;
use super::steps::Step;
use super::template::{Shape, Target, Template, Values};
use crate::error::{Error, Result};

/// The placeholders that stand for the window of the cursor.
pub(crate) const START: [&str; 3] =
    ["incremental.start_value", "incremental.last_value", "incremental.initial_value"];
pub(crate) const END: &str = "incremental.end_value";

pub(crate) struct Plan {
    pub(crate) api: Api,
    pub(crate) client: Arc<Client>,
    pub(crate) auth: Auth,
    pub(crate) what: String,
    method: reqwest::Method,
    path: Template,
    path_params: Vec<Ready>,
    query: Vec<Ready>,
    headers: Vec<Ready>,
    cookies: Vec<Ready>,
    body: Filled,
    pub(crate) selector: Option<Selector>,
    pub(crate) course: Course,
    pub(crate) parent: Option<Ancestor>,
    pub(crate) fan_out: usize,
    pub(crate) since: Option<Since>,
    pub(crate) actions: Vec<Action>,
    pub(crate) steps: Vec<Step>,
    pub(crate) limit: Option<u64>,
}

enum Filled {
    None,
    Json(Shape),
    Form(Shape),
    Text(Template),
}

/// The parent with its paths read.
pub(crate) struct Ancestor {
    pub(crate) resource: String,
    pub(crate) fields: Vec<(String, Selector)>,
    /// Fields for the items, by their key there.
    pub(crate) include: Vec<(String, Selector)>,
}

impl Plan {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Arc<Self>> {
        let api = &endpoint.api;
        api.base()?;
        let shared = &api.shared;
        let path = Template::parse(&endpoint.path)?;
        let params = |place: In| -> Result<Vec<Ready>> {
            let own =
                |name: &str| endpoint.params.iter().any(|param| param.place == place && param.name == name);
            let shared = shared.params.iter().filter(|param| param.place == place && !own(&param.name));
            let own = endpoint.params.iter().filter(|param| param.place == place);
            shared.chain(own).map(|param| param.ready()).collect()
        };
        let body = match &endpoint.body {
            Content::None => Filled::None,
            Content::Json(value) => Filled::Json(Shape::parse(value)?),
            Content::Form(value) => Filled::Form(Shape::parse(value)?),
            Content::Text(text) => Filled::Text(Template::parse(text)?),
        };
        // a path that ends with a placeholder means one thing, which has no pages
        let single = single_entity(&endpoint.path);
        let selector = endpoint.data.as_deref().or(single.then_some("$"));
        let selector = selector.map(|path| Selector::parse("data selector", path)).transpose()?;
        let paginator = match &endpoint.paginator {
            Some(paginator) => paginator.clone(),
            None if single => super::paginate::Paginator::single_page(),
            None => shared.paginator.clone(),
        };
        let client = api.client()?;
        let plan = Self {
            auth: endpoint.auth.clone().unwrap_or_else(|| shared.auth.clone()),
            what: endpoint.path.clone(),
            method: endpoint.method.clone(),
            path,
            path_params: params(In::Path)?,
            query: params(In::Query)?,
            headers: params(In::Header)?,
            cookies: params(In::Cookie)?,
            body,
            selector,
            course: Course::new(&paginator, &shared.hosts)?,
            parent: endpoint.parent.as_ref().map(Ancestor::new).transpose()?,
            fan_out: endpoint.fan_out.unwrap_or(client.concurrency() * 2),
            since: endpoint.since.clone(),
            actions: endpoint.actions.clone(),
            steps: endpoint.steps.clone(),
            limit: endpoint.limit,
            client,
            api: api.clone(),
        };
        plan.check_names()?;
        Ok(Arc::new(plan))
    }

    /// Refuses placeholders that nothing stands for.
    fn check_names(&self) -> Result<()> {
        let mut known: Vec<&str> = self.path_params.iter().map(|param| param.name.as_str()).collect();
        if let Some(parent) = &self.parent {
            known.extend(parent.fields.iter().map(|(name, _)| name.as_str()));
        }
        if self.since.is_some() {
            known.extend(START);
            known.push(END);
        }
        let mut wrong = None;
        let mut check = |name: &str| {
            if !known.contains(&name) && wrong.is_none() {
                wrong = Some(name.to_owned());
            }
        };
        self.path.names().for_each(&mut check);
        let lists = [&self.path_params, &self.query, &self.headers, &self.cookies];
        lists.into_iter().flatten().for_each(|param| param.shape.names(&mut check));
        match &self.body {
            Filled::None => {}
            Filled::Json(shape) | Filled::Form(shape) => shape.names(&mut check),
            Filled::Text(text) => text.names().for_each(&mut check),
        }
        let Some(name) = wrong else { return Ok(()) };
        let error = Error::config(format!("{}: nothing stands for the placeholder `{{{name}}}`", self.what));
        Err(match crate::nearest(&name, &known) {
            Some(near) => error.help(format!("did you mean `{{{near}}}`?")),
            None if known.is_empty() => error.help("name a parent for it, or give it a value"),
            None => error.help(format!("there are values for {}", known.join(", "))),
        })
    }

    /// Whether a placeholder says where the window ends.
    pub(crate) fn sends_end(&self) -> bool {
        self.since.as_ref().is_some_and(|since| since.end_param.is_some()) || self.names_end()
    }

    fn names_end(&self) -> bool {
        let mut found = self.path.names().any(|name| name == END);
        let mut look = |name: &str| found |= name == END;
        let lists = [&self.query, &self.headers];
        lists.into_iter().flatten().for_each(|param| param.shape.names(&mut look));
        if let Filled::Json(shape) | Filled::Form(shape) = &self.body {
            shape.names(&mut look);
        }
        found
    }

    /// The request for the first page.
    pub(crate) fn request(&self, values: &Values) -> Result<Request> {
        let mut path_values = values.clone();
        for param in &self.path_params {
            let value = param.text(values)?.map_or(Json::Null, Json::from);
            path_values.insert(param.name.clone(), value);
        }
        let path = self.path.fill(&path_values, Target::Path)?.ok_or_else(|| {
            Error::config(format!("{}: a placeholder of the path has no value yet", self.what))
                .help("give the cursor an `initial_value`")
        })?;
        let url = self.api.join(&path)?;
        let base = self.api.base()?;
        if url.origin() != base.origin() && !is_allowed(&url, &self.api.shared.hosts) {
            return Err(elsewhere(&format!("the path {}", self.what), &url, &self.client));
        }
        let mut request = Request { method: self.method.clone(), ..Request::get(url) };
        for param in &self.query {
            param.query(&mut request.url, values)?;
        }
        for param in &self.headers {
            if let Some(value) = param.text(values)? {
                request.set_header(&param.name, &value)?;
            }
        }
        let mut cookies = Vec::new();
        for param in &self.cookies {
            if let Some(value) = param.text(values)? {
                cookies.push(format!("{}={value}", param.name));
            }
        }
        if !cookies.is_empty() {
            request.set_header("cookie", &cookies.join("; "))?;
        }
        if let Some(since) = &self.since {
            let params = [(&since.start_param, START[0]), (&since.end_param, END)];
            for (param, value) in params {
                if let (Some(param), Some(value)) = (param, values.get(value).filter(|v| !v.is_null())) {
                    request.set_query(param, &super::template::plain(param, value)?);
                }
            }
        }
        request.body = self.body(values)?;
        Ok(request)
    }

    fn body(&self, values: &Values) -> Result<Body> {
        Ok(match &self.body {
            Filled::None => Body::None,
            Filled::Json(shape) => shape.fill(values)?.map_or(Body::None, Body::Json),
            Filled::Text(text) => text.fill(values, Target::Text)?.map_or(Body::None, Body::Text),
            Filled::Form(shape) => {
                let value = shape.fill(values)?.unwrap_or_default();
                let mut pairs = Vec::new();
                for (name, value) in value.as_object().into_iter().flatten() {
                    pairs.extend(super::params::pairs(name, value, Style::Form, true)?);
                }
                Body::Form(pairs)
            }
        })
    }
}

impl Ancestor {
    fn new(parent: &Parent) -> Result<Self> {
        if parent.resource.is_empty() {
            return Err(Error::config("fields of a parent are asked for, but no parent is named")
                .help("name it with `parent`"));
        }
        let selectors = |pairs: &[(String, String)]| -> Result<Vec<(String, Selector)>> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, path)| Ok((name.clone(), Selector::parse("field of the parent", path)?)))
                .collect()
        };
        let include: Vec<(String, String)> =
            parent.include.iter().map(|(field, key)| (key.clone(), field.clone())).collect();
        Ok(Self {
            resource: parent.resource.clone(),
            fields: selectors(&parent.fields)?,
            include: selectors(&include)?,
        })
    }
}
