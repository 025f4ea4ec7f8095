//! `$ref`: JSON pointers into the document, and the names that their targets get.
//!
//! Not here: other documents.

use super::read::{elements, entries, string};
use super::text::Text;
use super::{Writer, unsupported};
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::Expr;

impl Writer<'_> {
    /// A reference as the name of what it leads to.
    pub(super) fn reference(&mut self, reference: &Expr) -> Result<Text, Error> {
        let uri = string("$ref", reference)?;
        let own = |keyword| {
            let id = entries(self.root)?.into_iter().find(|(name, _, _)| *name == keyword)?;
            string(keyword, id.2).ok().map(|id| id.trim_end_matches('#').to_owned())
        };
        let base = own("$id").or_else(|| own("id")).unwrap_or_default();
        let fragment = match uri.strip_prefix('#') {
            Some(fragment) => Some(fragment),
            None if !base.is_empty() => uri.strip_prefix(&base).map(|rest| rest.strip_prefix('#').unwrap_or(rest)),
            None => None,
        };
        match fragment {
            Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
                let pointer = percent_decoded(pointer);
                find(self.root, &pointer, reference.span)?;
                Ok(Text::whole(self.name_of(&pointer)))
            }
            Some(_) => Err(unsupported(format_args!("the reference `{uri}` to an anchor"), reference.span)),
            None => Err(unsupported(format_args!("the reference `{uri}` to another document"), reference.span)),
        }
    }

    /// The name of the schema at a pointer; a new one is put on the list of what is to be written.
    pub(super) fn name_of(&mut self, pointer: &str) -> String {
        if let Some(name) = self.names.get(pointer) {
            return name.clone();
        }
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let plain: String = unescape(last).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let base = if pointer.is_empty() { "_schema".to_owned() } else { format!("#{plain}") };
        let is_taken = |name: &str| self.names.values().any(|known| known == name);
        let numbered = (2..).map(|number| format!("{base}_{number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(base);
        self.names.insert(pointer.to_owned(), name.clone());
        self.waiting.push_back(pointer.to_owned());
        name
    }
}

/// The schema at a pointer.
pub(super) fn find<'a>(root: &'a Expr, pointer: &str, from: Span) -> Result<&'a Expr, Error> {
    let mut at = root;
    for part in pointer.split('/').skip(1) {
        let part = unescape(part);
        let field = || entries(at)?.into_iter().find(|(name, _, _)| *name == part).map(|(_, _, value)| value);
        let element = || elements(at)?.get(part.parse::<usize>().ok()?).copied();
        at = field().or_else(element).ok_or_else(|| {
            Error::new(Code::Reference, format!("the reference `#{pointer}` leads to nothing"), Some(from))
        })?;
    }
    Ok(at)
}

/// A name as a part of a JSON pointer (RFC 6901).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A fragment of a URI with its `%20`s undone.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let code = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
