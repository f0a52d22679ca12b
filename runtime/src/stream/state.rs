//! What a resource remembers between runs besides its cursor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value as Json};

/// Values that a stream keeps from run to run. They are stored together with the rows of the run, or not at
/// all.
#[derive(Debug, Clone, Default)]
pub struct ResourceState(Arc<Mutex<Values>>);

#[derive(Debug, Default)]
struct Values {
    values: Map<String, Json>,
    changed: bool,
}

impl ResourceState {
    pub(crate) fn new(values: Map<String, Json>) -> Self {
        Self(Arc::new(Mutex::new(Values { values, changed: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Json> {
        self.lock().values.get(key).cloned()
    }

    /// Sets a key. `incremental` is the place of the cursor, and is not changed by this.
    pub fn set(&self, key: impl Into<String>, value: impl Into<Json>) {
        let mut state = self.lock();
        state.values.insert(key.into(), value.into());
        state.changed = true;
    }

    /// All values, if one was set.
    pub(crate) fn changed(&self) -> Option<Map<String, Json>> {
        let state = self.lock();
        state.changed.then(|| state.values.clone())
    }
}
