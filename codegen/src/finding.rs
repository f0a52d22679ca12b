//! What was noticed or decided, and why.

use serde_json::{Value, json};

/// How sure a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// A guess, for want of anything better.
    Low,
    /// Likely; names or shapes say so.
    Medium,
    /// The document says so.
    High,
}

impl Confidence {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A decision or an oddity, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was decided: `payload`, `primary_key`, `paginator`, …
    pub subject: &'static str,
    /// What was decided, in words.
    pub message: String,
    /// What it rests on.
    pub evidence: String,
    /// Where in the document.
    pub pointer: String,
    /// How sure it is.
    pub confidence: Confidence,
}

impl Finding {
    pub(crate) fn new(subject: &'static str, message: impl Into<String>, confidence: Confidence) -> Self {
        Self { subject, message: message.into(), evidence: String::new(), pointer: String::new(), confidence }
    }

    #[must_use]
    pub(crate) fn because(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = evidence.into();
        self
    }

    #[must_use]
    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// The finding as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "subject": self.subject,
            "message": self.message,
            "evidence": self.evidence,
            "pointer": self.pointer,
            "confidence": self.confidence.as_str(),
        })
    }
}
