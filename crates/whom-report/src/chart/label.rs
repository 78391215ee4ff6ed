//! What is written in a picture.

/// A text, and the attributes by which a reader of the page's source finds where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    pub(super) text: String,
    pub(super) data: Vec<(&'static str, String)>,
}

impl Label {
    /// A text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), data: Vec::new() }
    }

    /// The same with an attribute, `data-` and a name of lower-case letters and dashes.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.data.push((name, value.into()));
        self
    }
}
