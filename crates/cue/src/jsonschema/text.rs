//! Pieces of CUE text that know how tightly they bind.
//!
//! Not here: layout.

/// How tightly the outermost operator of a text binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Whole,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    level: Level,
    /// It is a struct written here, and nothing else.
    is_struct: bool,
}

impl Text {
    /// An expression that needs no parentheses anywhere.
    pub(super) fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), level: Level::Whole, is_struct: false }
    }

    /// A struct of these declarations, each with its line's end.
    pub(super) fn structure(decls: &str) -> Self {
        Self { text: format!("{{\n{decls}}}"), level: Level::Whole, is_struct: true }
    }

    /// The declarations of a struct.
    pub(super) fn inner(&self) -> Option<&str> {
        let inner = self.text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        inner.filter(|_| self.is_struct)
    }

    pub(super) fn is_top(&self) -> bool {
        self.text == "_"
    }

    /// All of them at once; `_` if there is none.
    pub(super) fn and(parts: Vec<Self>) -> Self {
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_top()).collect();
        join(parts, " & ", Level::And).unwrap_or_else(|| Self::whole("_"))
    }

    /// Any of them; `_|_` if there is none.
    pub(super) fn or(parts: Vec<Self>) -> Self {
        join(parts, " | ", Level::Or).unwrap_or_else(|| Self::whole("_|_"))
    }

    /// The same with a default.
    pub(super) fn with_default(self, default: &str) -> Self {
        let text = format!("*{default} | {}", self.inside(Level::Or));
        Self { text, level: Level::Or, is_struct: false }
    }

    /// The text as an operand of an operator of that level.
    fn inside(&self, level: Level) -> String {
        if self.level < level { format!("({})", self.text) } else { self.text.clone() }
    }
}

fn join(mut parts: Vec<Text>, operator: &str, level: Level) -> Option<Text> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let texts: Vec<_> = parts.iter().map(|part| part.inside(level)).collect();
    Some(Text { text: texts.join(operator), level, is_struct: false })
}
