//! One chain of pages: requests for the same thing, page after page and window after window.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::action::Does;
use super::check::Probe;
use super::client::message::{Request, Response};
use super::client::{Client, Verdict, failed, retry};
use super::paginate::Outline;
use super::paginate::course::{Course, Progress, Seen};
use super::plan::{END, Plan, START};
use super::select::{Items, Selector, each_item};
use super::since::{Window, windows};
use super::steps;
use super::template::Values;
use crate::error::Result;
use crate::normalize::scan::ScanError;

/// A page of items on its way to the engine.
pub(crate) struct Fetched {
    pub(crate) items: Vec<u8>,
    pub(crate) count: u64,
    /// How to go on behind it.
    pub(crate) checkpoint: Json,
}

pub(crate) struct Chain {
    plan: Arc<Plan>,
    /// What stands for placeholders.
    values: Values,
    /// What each item gets from the parent, as JSON text: `"key":value,"key":value`.
    from_parent: String,
    windows: VecDeque<Option<Window>>,
    /// The end of the last window, which has to stay the same when a chain is gone on with.
    until: Json,
    progress: Progress,
    selector: Option<Selector>,
    course: Option<Course>,
    /// Why it is this course, if that was found.
    evidence: String,
    /// How many requests there are, if the answer says it.
    requests: Option<u64>,
}

/// Where a chain goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    #[serde(default)]
    progress: Progress,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<(Json, Json)>,
}

/// What an answer brought; `None` is nothing, and that is fine.
type Answer = Option<(Response, Items)>;

impl Chain {
    pub(crate) fn new(
        plan: Arc<Plan>,
        mut values: Values,
        from_parent: String,
        (start, end): (Json, Json),
        checkpoint: Option<Json>,
    ) -> Result<Self> {
        let checkpoint = checkpoint.map(serde_json::from_value::<Checkpoint>);
        let checkpoint = checkpoint.transpose().unwrap_or_default().unwrap_or_default();
        let mut until = Json::Null;
        let mut parts = VecDeque::from([None]);
        if let Some(since) = &plan.since {
            for name in START {
                values.insert(name.to_owned(), since.format.write(&start)?);
            }
            values.insert(START[2].to_owned(), since.format.write(&since.initial)?);
            values.insert(END.to_owned(), since.format.write(&end)?);
            if let Some(length) = since.window {
                if !plan.sends_end() {
                    return Err(crate::Error::config(format!(
                        "{}: windows of time need a parameter for their end",
                        plan.what
                    ))
                    .help("name it with `end_param`, or write {incremental.end_value}"));
                }
                let (from, to) = checkpoint.window.clone().unwrap_or((start, end));
                let all = windows(&from, &to, length, SystemTime::now())?;
                until = all.last().map(|window| window.end.clone()).unwrap_or_default();
                parts = all.into_iter().map(Some).collect();
            }
        }
        Ok(Self {
            values,
            from_parent,
            windows: parts,
            until,
            progress: checkpoint.progress,
            selector: plan.selector.clone(),
            course: (!plan.course.is_auto()).then(|| plan.course.clone()),
            evidence: String::new(),
            requests: None,
            plan,
        })
    }

    /// The next page that has items.
    pub(crate) async fn next(&mut self) -> Result<Option<Fetched>> {
        loop {
            if self.progress.is_at_end() {
                self.windows.pop_front();
                self.progress = Progress::default();
            }
            let Some(request) = self.request()? else { return Ok(None) };
            if let Some(fetched) = self.fetch(&request).await? {
                return Ok(Some(fetched));
            }
        }
    }

    /// Asks for the first page, to see what comes.
    pub(crate) async fn probe(mut self) -> Result<Probe> {
        let Some(request) = self.request()? else { return Err(failed("there is nothing to ask for")) };
        let fetched = self.fetch(&request).await?;
        let course = self.course.as_ref().unwrap_or(&self.plan.course);
        let (page, items) = fetched.map(|page| (page.items, page.count)).unwrap_or_default();
        let evidence = if self.evidence.is_empty() { "it is stated" } else { &self.evidence };
        Ok(Probe {
            request: format!("{} {}", request.method, self.plan.client.redactor.url(&request.url)),
            page,
            items,
            data: self.selector.as_ref().map_or("$", Selector::text).to_owned(),
            paginator: course.name().to_owned(),
            evidence: evidence.to_owned(),
            requests: if self.progress.is_at_end() { Some(1) } else { self.requests },
        })
    }

    /// The request for the next page, if there is one.
    fn request(&mut self) -> Result<Option<Request>> {
        let Some(window) = self.windows.front() else { return Ok(None) };
        if let (Some(window), Some(since)) = (window, &self.plan.since) {
            for name in &START[..2] {
                self.values.insert((*name).to_owned(), since.format.write(&window.start)?);
            }
            self.values.insert(END.to_owned(), since.format.write(&window.end)?);
        }
        let mut request = self.plan.request(&self.values)?;
        let course = self.course.as_ref().unwrap_or(&self.plan.course);
        course.prepare(&mut self.progress, &mut request)?;
        Ok(Some(request))
    }

    async fn fetch(&mut self, request: &Request) -> Result<Option<Fetched>> {
        let plan = self.plan.clone();
        let known = self.selector.clone();
        let (answer, selector) = plan
            .client
            .send(request, &plan.auth, |client, response| {
                read(&plan, known.as_ref(), client, request, response)
            })
            .await?;
        let Some((response, items)) = answer else {
            self.progress.end();
            return Ok(None);
        };
        if response.is_success() {
            self.selector = selector;
        }
        if self.course.is_none() {
            let (course, evidence) = plan.course.detect(&response, &plan.client, &plan.what)?;
            self.evidence = evidence;
            self.course = Some(course);
        }
        let Some(course) = &self.course else { return Ok(None) };
        let seen = Seen { response: &response, request: &request.url, items: &items };
        self.requests = course.requests(&seen, &plan.client);
        let is_new = course.advance(&mut self.progress, &seen, &plan.client, &plan.what)?;
        if items.count == 0 || !is_new {
            return Ok(None);
        }
        let mut count = items.count;
        let mut page = items.cut(response.body);
        if !self.from_parent.is_empty() {
            page = with_parent(&page, &self.from_parent, &plan.what)?;
        }
        if !plan.steps.is_empty() {
            (page, count) = steps::apply(&plan.steps, &page)?;
            if count == 0 {
                return Ok(None);
            }
        }
        Ok(Some(Fetched { items: page, count, checkpoint: self.checkpoint() }))
    }

    fn checkpoint(&self) -> Json {
        let window = self.windows.front().and_then(Option::as_ref);
        let window = window.map(|window| (window.start.clone(), self.until.clone()));
        let checkpoint = Checkpoint { progress: self.progress.clone(), window };
        serde_json::to_value(checkpoint).unwrap_or_default()
    }
}

/// Judges an answer and finds the items in it.
fn read(
    plan: &Plan,
    selector: Option<&Selector>,
    client: &Client,
    request: &Request,
    response: Response,
) -> Verdict<(Answer, Option<Selector>)> {
    let refused = |response: &Response| client.refused(&request.method, response);
    if let Some(action) = plan.actions.iter().find(|action| action.fits(&response)) {
        return match action.does {
            Does::Ignore => Verdict::Take((None, None)),
            Does::Empty => Verdict::Take((Some((response, Items::default())), selector.cloned())),
            Does::Retry => Verdict::Again(refused(&response)),
            Does::Fail => Verdict::Fail(refused(&response)),
        };
    }
    if retry::is_passing(&response) {
        return Verdict::Again(refused(&response));
    }
    if !response.is_success() {
        return Verdict::Fail(refused(&response));
    }
    let response = match super::body::to_json(response) {
        Ok(response) => response,
        Err(error) => return Verdict::Fail(about(client, request, error)),
    };
    if response.body.is_empty() {
        return Verdict::Take((Some((response, Items::default())), selector.cloned()));
    }
    match select(selector, &response) {
        Ok((items, selector)) => Verdict::Take((Some((response, items)), Some(selector))),
        // an answer that broke off, or a page of a proxy in its place
        Err(error) => {
            let kind = response.header("content-type").unwrap_or("nothing").to_owned();
            Verdict::Again(failed(format!(
                "{} {} answered {} with what is no JSON: {} at byte {}; it calls itself {kind} and begins with `{}`",
                request.method,
                client.redactor.url(&response.url),
                response.status,
                error.problem.message(),
                error.at,
                client.redactor.text(&response.excerpt()).chars().take(80).collect::<String>()
            )))
        }
    }
}

fn about(client: &Client, request: &Request, error: crate::Error) -> crate::Error {
    let url = client.redactor.url(&request.url);
    failed(format!("{} {url}: {}", request.method, error.message()))
}

fn select(selector: Option<&Selector>, response: &Response) -> Result<(Items, Selector), ScanError> {
    if std::str::from_utf8(&response.body).is_err() {
        let valid = simdutf8::compat::from_utf8(&response.body).err().map_or(0, |error| error.valid_up_to());
        let problem = crate::normalize::scan::Problem::Expected("UTF-8");
        return Err(ScanError { at: valid, problem });
    }
    let selector = match selector {
        Some(selector) => selector.clone(),
        None => {
            let path = Outline::of(&response.body)?.items_path();
            Selector::parse("data selector", &path).unwrap_or_else(|_| Selector::whole())
        }
    };
    Ok((selector.items(&response.body)?, selector))
}

/// The items with what they get from the parent, behind what they have.
fn with_parent(page: &[u8], from_parent: &str, what: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(page.len() + page.len() / 4);
    each_item(page, &mut |item| {
        let Some(open) = item.strip_suffix(b"}") else {
            return Err(failed(format!(
                "{what}: an item is no object, so it cannot take fields of the parent"
            )));
        };
        let is_empty = open.iter().skip(1).all(u8::is_ascii_whitespace);
        out.extend_from_slice(open);
        out.extend_from_slice(if is_empty { b"" } else { b"," });
        out.extend_from_slice(from_parent.as_bytes());
        out.extend_from_slice(b"}\n");
        Ok(())
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_take_fields_of_the_parent() {
        let page = br#"[{"a": {"b": 1} }, {}, { }]"#;
        let out = with_parent(page, r#""_p_id":7"#, "/x").unwrap();
        let lines = "{\"a\": {\"b\": 1} ,\"_p_id\":7}\n{\"_p_id\":7}\n{ \"_p_id\":7}\n";
        assert_eq!(String::from_utf8(out).unwrap(), lines);
        assert!(with_parent(b"[1]", "\"a\":1", "/x").is_err());
    }
}
