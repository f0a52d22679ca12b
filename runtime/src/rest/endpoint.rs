//! An endpoint: one kind of request, as data.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;

use super::action::Action;
use super::api::Api;
use super::auth::Auth;
use super::fan;
use super::paginate::Paginator;
use super::params::{In, Param, Style};
use super::plan::Plan;
use super::since::TimeFormat;
use super::steps::Step;
use crate::error::{Error, Result};
use crate::incremental::Incremental;
use crate::resource::Resource;
use crate::stream::{Pages, Slice};
use crate::typed::IntoPages;

/// One kind of request: path, parameters, where the items are and how to get more of them.
///
/// Nothing is sent before the pages are read, and mistakes are reported then, or by
/// [`verify`](Self::verify).
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(crate) api: Api,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) params: Vec<Param>,
    pub(crate) body: Content,
    pub(crate) data: Option<String>,
    pub(crate) paginator: Option<Paginator>,
    pub(crate) auth: Option<Auth>,
    pub(crate) parent: Option<Parent>,
    pub(crate) fan_out: Option<usize>,
    pub(crate) since: Option<Since>,
    pub(crate) actions: Vec<Action>,
    pub(crate) steps: Vec<Step>,
    pub(crate) limit: Option<u64>,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Content {
    #[default]
    None,
    Json(Json),
    Form(Json),
    Text(String),
}

/// Whose items the requests are made for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parent {
    pub(crate) resource: String,
    /// Placeholders and the fields that stand for them.
    pub(crate) fields: Vec<(String, String)>,
    /// Fields that are put into the items, with their keys there.
    pub(crate) include: Vec<(String, String)>,
}

/// How the window of a cursor goes into the request.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Since {
    pub(crate) cursor: String,
    pub(crate) start_param: Option<String>,
    pub(crate) end_param: Option<String>,
    pub(crate) format: TimeFormat,
    pub(crate) initial: Json,
    pub(crate) end: Json,
    pub(crate) window: Option<Duration>,
}

impl Endpoint {
    pub(crate) fn new(api: Api, method: Method, path: String) -> Self {
        Self {
            api,
            method,
            path,
            params: Vec::new(),
            body: Content::None,
            data: None,
            paginator: None,
            auth: None,
            parent: None,
            fan_out: None,
            since: None,
            actions: Vec::new(),
            steps: Vec::new(),
            limit: None,
        }
    }

    fn param(mut self, name: impl Into<String>, value: impl Into<Json>, place: In) -> Self {
        self.params.push(Param::new(name.into(), value.into(), place));
        self
    }

    /// What stands for a placeholder of the path.
    pub fn path(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.param(name, value, In::Path)
    }

    /// A parameter of the query. Texts may have placeholders, as the path has; null is left out.
    pub fn query(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.param(name, value, In::Query)
    }

    /// A header.
    pub fn header(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.param(name, value, In::Header)
    }

    /// A cookie.
    pub fn cookie(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.param(name, value, In::Cookie)
    }

    /// How lists and objects of a parameter are written.
    pub fn style(mut self, name: &str, style: Style, explode: bool) -> Self {
        for param in self.params.iter_mut().filter(|param| param.name == name) {
            (param.style, param.explode) = (style, explode);
        }
        self
    }

    /// A JSON body. Its texts may have placeholders; one that is nothing else keeps its type.
    pub fn json(mut self, body: impl Into<Json>) -> Self {
        self.body = Content::Json(body.into());
        self
    }

    /// A form as the body, from an object.
    pub fn form(mut self, body: impl Into<Json>) -> Self {
        self.body = Content::Form(body.into());
        self
    }

    /// A text as the body.
    pub fn text(mut self, body: impl Into<String>) -> Self {
        self.body = Content::Text(body.into());
        self
    }

    /// Where the items are in the answer, such as `items` or `data.rows[*].node`; `$` is the whole.
    /// Without it, it is found from the first answer.
    pub fn data(mut self, selector: impl Into<String>) -> Self {
        self.data = Some(selector.into());
        self
    }

    /// How to ask for the next page.
    pub fn paginate(mut self, paginator: Paginator) -> Self {
        self.paginator = Some(paginator);
        self
    }

    /// Who asks, if it is not whom the API says.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Asks once for each item of another resource, whose fields stand for placeholders.
    pub fn parent<N: Into<String>, F: Into<String>>(
        mut self,
        resource: impl Into<String>,
        fields: impl IntoIterator<Item = (N, F)>,
    ) -> Self {
        let parent = self.parent.get_or_insert_default();
        parent.resource = resource.into();
        parent.fields.extend(fields.into_iter().map(|(name, field)| (name.into(), field.into())));
        self
    }

    /// Fields of the parent that each item gets, as `_<parent>_<field>`.
    pub fn include_from_parent<F: Into<String>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        let parent = self.parent.get_or_insert_default();
        for field in fields {
            let field = field.into();
            let key = format!("_{}_{field}", parent.resource);
            parent.include.push((field, key));
        }
        self
    }

    /// A field of the parent that each item gets under this key.
    pub fn include_from_parent_as(mut self, field: impl Into<String>, key: impl Into<String>) -> Self {
        self.parent.get_or_insert_default().include.push((field.into(), key.into()));
        self
    }

    /// For how many parents it asks at once. Results keep the order of the parents.
    pub fn fan_out(mut self, parents: usize) -> Self {
        self.fan_out = Some(parents.max(1));
        self
    }

    /// Loads only what is new, told by a cursor of the items, and asks for it with a parameter of the
    /// query. `{incremental.start_value}` and `{incremental.end_value}` stand for its window anywhere.
    pub fn since(mut self, cursor: impl Into<String>, param: impl Into<String>, format: TimeFormat) -> Self {
        let since = self.since.get_or_insert_default();
        since.cursor = cursor.into();
        since.start_param = Some(param.into()).filter(|name: &String| !name.is_empty());
        since.format = format;
        self
    }

    /// The parameter that says where the window ends.
    pub fn until(mut self, param: impl Into<String>) -> Self {
        self.since.get_or_insert_default().end_param = Some(param.into());
        self
    }

    /// Where the cursor begins in the first run.
    pub fn initial_value(mut self, value: impl Into<Json>) -> Self {
        self.since.get_or_insert_default().initial = value.into();
        self
    }

    /// Where the cursor ends; nothing is remembered then.
    pub fn end_value(mut self, value: impl Into<Json>) -> Self {
        self.since.get_or_insert_default().end = value.into();
        self
    }

    /// Asks for so much time at once, one window after the other. It needs [`until`](Self::until), or
    /// the end of the window as a placeholder.
    pub fn window(mut self, length: Duration) -> Self {
        self.since.get_or_insert_default().window = Some(length);
        self
    }

    /// What becomes of answers out of the ordinary; the first that fits counts.
    pub fn on(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// A change to each item.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// So many items are loaded at most, and no more pages are asked for.
    pub fn limit(mut self, items: u64) -> Self {
        self.limit = Some(items);
        self
    }

    /// Says what is wrong with paths, placeholders and addresses, without asking anyone.
    pub fn verify(&self) -> Result<()> {
        Plan::new(self).map(drop)
    }

    /// The pages of items that a slice asks for.
    pub fn pages(&self, slice: Slice) -> Pages {
        match Plan::new(self) {
            Ok(plan) => fan::pages(plan, slice),
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }

    /// A resource of the items. It goes on where an interrupted run stopped.
    pub fn resource(self, name: impl Into<String>) -> Resource {
        self.attach(Resource::new(name))
    }

    /// The resource with the items of this endpoint.
    pub(crate) fn attach(self, resource: Resource) -> Resource {
        let resource = self.prepare(resource);
        if resource.data.stream.is_some() {
            return resource;
        }
        resource.stream(move |slice| self.pages(slice))
    }

    /// What tells requests apart, without secrets.
    fn identity(&self) -> String {
        let Self { method, path, params, body, data, paginator, parent, since, limit, .. } = self;
        let text = format!(
            "{:?} {method} {path} {params:?} {body:?} {data:?} {paginator:?} {parent:?} {since:?} {limit:?}",
            self.api
        );
        // a hash, because parameters may be secrets
        floe_schema::hash::shake128_base64(text.as_bytes(), 15)
    }
}

impl Since {
    fn incremental(&self) -> Result<Incremental> {
        let mut incremental = Incremental::new(&self.cursor)?;
        if !self.initial.is_null() {
            incremental = incremental.initial_value(self.initial.clone());
        }
        if !self.end.is_null() {
            incremental = incremental.end_value(self.end.clone());
        }
        Ok(incremental)
    }
}

fn failing(resource: Resource, error: Error) -> Resource {
    resource.stream(move |_| Box::pin(futures_util::stream::iter([Err(error.clone())])))
}

impl IntoPages for Endpoint {
    const PREPARES: bool = true;

    /// The resource with the parent and the cursor of the endpoint, unless it has others.
    fn prepare(&self, mut resource: Resource) -> Resource {
        if let Some(parent) = self.parent.as_ref().filter(|_| resource.parent.is_none()) {
            resource = resource.parent(&parent.resource);
        }
        if let Some(since) = self.since.as_ref().filter(|_| resource.incremental.is_none()) {
            match since.incremental() {
                Ok(incremental) => resource = resource.incremental(incremental),
                Err(error) => return failing(resource, error),
            }
        }
        resource.resumable(self.identity())
    }

    fn into_pages(self, slice: Slice) -> Pages {
        self.pages(slice)
    }
}
