//! What becomes of answers that are out of the ordinary.

use super::client::message::Response;

/// What to do with answers of a status or with a text in them.
///
/// ```
/// use floe::rest::Action;
/// let gone = Action::ignore().status(404);
/// let busy = Action::retry().content("try again later");
/// let odd = Action::fail().status(200).content("\"error\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub(crate) does: Does,
    status: Option<Status>,
    content: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Ignore,
    Empty,
    Retry,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Exactly(u16),
    /// The hundreds.
    Class(u16),
}

impl Action {
    fn new(does: Does) -> Self {
        Self { does, status: None, content: None }
    }

    /// There is nothing more, and that is fine.
    pub fn ignore() -> Self {
        Self::new(Does::Ignore)
    }

    /// The page has no items; the next one is asked for if there is one.
    pub fn empty() -> Self {
        Self::new(Does::Empty)
    }

    /// It may be better another time.
    pub fn retry() -> Self {
        Self::new(Does::Retry)
    }

    /// The run fails.
    pub fn fail() -> Self {
        Self::new(Does::Fail)
    }

    /// Answers of this status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(Status::Exactly(status));
        self
    }

    /// Answers with a status of these hundreds: 4 for all from 400 to 499.
    pub fn status_class(mut self, hundreds: u16) -> Self {
        self.status = Some(Status::Class(hundreds));
        self
    }

    /// Answers with this text in the body.
    pub fn content(mut self, text: impl Into<String>) -> Self {
        self.content = Some(text.into());
        self
    }

    pub(crate) fn fits(&self, response: &Response) -> bool {
        let status = match self.status {
            None => true,
            Some(Status::Exactly(status)) => response.status == status,
            Some(Status::Class(hundreds)) => response.status / 100 == hundreds,
        };
        let content = |text: &String| memchr::memmem::find(&response.body, text.as_bytes()).is_some();
        status && self.content.as_ref().is_none_or(content)
    }
}
