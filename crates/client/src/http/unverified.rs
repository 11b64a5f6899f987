//! What the server says, as it says it. For lists, sums and the present state, of which there is
//! no proof between two epochs; whoever needs proof asks [`super::Client`] for it.

use serde_json::Value;

use super::{
    Error,
    error::bad_answer,
    value::{escaped, number},
    wire::Wire,
};

/// Reads without proof.
pub struct Unverified<'c> {
    wire: &'c Wire,
}

/// What is listed.
#[derive(Debug, Clone, Default)]
pub struct Listed<'a> {
    /// Parameters of the query, by name.
    pub parameters: Vec<(&'a str, String)>,
}

impl<'a> Listed<'a> {
    /// With one more parameter, if there is a value for it.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: Option<impl ToString>) -> Self {
        self.parameters.extend(value.map(|value| (name, value.to_string())));
        self
    }

    fn path(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            path.push(if position == 0 { '?' } else { '&' });
            path.push_str(name);
            path.push('=');
            path.push_str(&escaped(value));
        }
        path
    }
}

impl<'c> Unverified<'c> {
    pub(super) fn new(wire: &'c Wire) -> Self {
        Self { wire }
    }

    /// Any read of the interface, as JSON.
    pub fn read(&self, path: &str, listed: &Listed<'_>) -> Result<Value, Error> {
        self.wire.json(&listed.path(path))
    }

    /// One guarantee, now or at a moment.
    pub fn guarantee(&self, no: &str, as_of: Option<&str>) -> Result<Value, Error> {
        self.read(&format!("/v1/guarantees/{}", escaped(no)), &Listed::default().with("as_of", as_of))
    }

    /// All pages of a list that goes on with `next`.
    pub fn all(&self, path: &str, listed: &Listed<'_>) -> Result<Vec<Value>, Error> {
        Ok(self.all_as_of(path, listed)?.0)
    }

    /// The same, and the entries that its last page holds for.
    pub fn all_as_of(&self, path: &str, listed: &Listed<'_>) -> Result<(Vec<Value>, u64), Error> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut page = self.read(path, &listed.clone().with("after", after.as_ref()))?;
            let Value::Array(mut data) = page["data"].take() else { return Err(bad_answer("no list")) };
            found.append(&mut data);
            let next = page["next"].as_str().map(str::to_owned);
            match next.filter(|_| page["has_more"] == true) {
                // The same page again would come for ever.
                next @ Some(_) if next != after => after = next,
                _ => return Ok((found, number(&page["as_of"], "checkpoint")?)),
            }
        }
    }

    /// Whether the server takes statements.
    pub fn ready(&self) -> Result<Value, Error> {
        self.wire.json("/readyz")
    }
}
