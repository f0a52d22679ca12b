//! How much a document may ask for. Documents come from strangers.

/// Limits on what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file.
    pub bytes: usize,
    /// Levels of nesting in a file.
    pub depth: usize,
    /// Values in a file.
    pub values: usize,
    /// Files that references may bring in.
    pub files: usize,
    /// Operations that become resources.
    pub operations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 << 20, depth: 120, values: 30_000_000, files: 2_000, operations: 50_000 }
    }
}
