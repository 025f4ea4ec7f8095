//! The nodes of a YAML text, with aliases bound to what they name.
//!
//! Not here: what a scalar means (that is `scalar`).

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::place;
use crate::decode::{MAX_NESTING_LEVELS, MAX_VALUES, syntax_error, too_deep, too_many};
use crate::error::{Code, Error};
use crate::source::{FileId, Span};

/// A node and where it stands.
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) span: Span,
    /// How many levels stand in it, those behind its aliases counted: what bounds every walk over it, and its end.
    height: usize,
}

/// What a node is.
pub(super) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// A node that aliases may name, where it stands.
    Anchor(Rc<Node>),
    Alias(Rc<Node>),
}

impl Content {
    fn height(&self) -> usize {
        let below = match self {
            Self::Scalar(_) => None,
            Self::Sequence(nodes) => nodes.iter().map(|node| node.height).max(),
            Self::Mapping(entries) => entries.iter().map(|(key, value)| key.height.max(value.height)).max(),
            Self::Anchor(node) | Self::Alias(node) => Some(node.height),
        };
        below.unwrap_or_default() + 1
    }
}

/// A scalar's text, unquoted, and what decides its meaning.
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) plain: bool,
    pub(super) tag: Option<String>,
}

/// The prefix of the tags that YAML itself defines.
const CORE: &str = "tag:yaml.org,2002:";

impl Scalar {
    pub(super) fn is_merge_key(&self) -> bool {
        let tagged = self.tag.as_deref() == Some("!!merge");
        self.text == "<<" && (tagged || self.plain && self.tag.is_none())
    }
}

/// The documents of a text.
pub(super) fn documents(file: FileId, text: &str) -> Result<Vec<Node>, Error> {
    let mut limits = granit_parser::options! {
        flow_nesting_limit: MAX_NESTING_LEVELS,
        block_nesting_limit: MAX_NESTING_LEVELS,
    };
    limits.set_emit_comments(false);
    let events = Parser::new_from_str_with_options(text, limits);
    let mut reader = Reader { file, text, events, anchors: HashMap::new(), depth: 0, nodes: 0 };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(..), _) => {
                reader.anchors.clear();
                let first = reader.next()?;
                documents.push(reader.node(first)?);
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Rc<Node>>,
    depth: usize,
    nodes: usize,
}

type Spanned<'a> = (Event<'a>, granit_parser::Span);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Spanned<'a>, Error> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(self.text.len());
                let place = crate::decode::span(self.file, at..at);
                Err(syntax_error("YAML", error.info(), place))
            }
            None => {
                let end = self.text.len();
                Err(syntax_error("YAML", "it ends too early", crate::decode::span(self.file, end..end)))
            }
        }
    }

    /// The node that starts with an event.
    fn node(&mut self, (event, span): Spanned<'a>) -> Result<Node, Error> {
        let start = place(self.file, span);
        self.depth += 1;
        if self.depth > MAX_NESTING_LEVELS {
            return Err(too_deep("YAML", start));
        }
        self.nodes += 1;
        if self.nodes > MAX_VALUES {
            return Err(too_many("YAML", start));
        }
        let (anchor, (content, span)) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain, tag: short(tag) };
                (anchor, (Content::Scalar(scalar), start))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(start)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(start)?),
            Event::Alias(anchor) => (0, (self.alias(anchor, start)?, start)),
            _ => return Err(syntax_error("YAML", "a value should stand here", start)),
        };
        self.depth -= 1;
        let height = content.height();
        if height > MAX_NESTING_LEVELS {
            return Err(too_deep("YAML", span));
        }
        let node = Node { content, span, height };
        Ok(if anchor == 0 { node } else { self.anchored(anchor, node) })
    }

    /// Keeps a node under its anchor.
    fn anchored(&mut self, anchor: usize, node: Node) -> Node {
        let (span, height) = (node.span, node.height);
        let node = Rc::new(node);
        self.anchors.insert(anchor, Rc::clone(&node));
        Node { content: Content::Anchor(node), span, height }
    }

    fn alias(&self, anchor: usize, span: Span) -> Result<Content, Error> {
        let target = self.anchors.get(&anchor).ok_or_else(|| {
            let message = "this alias stands inside the value that it names";
            Error::new(Code::StructuralCycle, message, Some(span))
        })?;
        Ok(Content::Alias(Rc::clone(target)))
    }

    fn sequence(&mut self, start: Span) -> Result<(Content, Span), Error> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => return Ok((Content::Sequence(nodes), self.whole(start, end))),
                event => nodes.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self, start: Span) -> Result<(Content, Span), Error> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, end) => return Ok((Content::Mapping(entries), self.whole(start, end))),
                event => {
                    let key = self.node(event)?;
                    let event = self.next()?;
                    entries.push((key, self.node(event)?));
                }
            }
        }
    }

    /// From the start of a collection to its end, without the space behind it.
    fn whole(&self, start: Span, end: granit_parser::Span) -> Span {
        let end = place(self.file, end).end.max(start.end) as usize;
        let text = self.text.get(start.start as usize..end).unwrap_or_default().trim_end();
        crate::decode::span(self.file, start.start as usize..start.start as usize + text.len())
    }
}

/// A tag by its short name: `!!int` for those of YAML itself, in full for others.
fn short(tag: Option<std::borrow::Cow<'_, Tag>>) -> Option<String> {
    tag.map(|tag| match tag.suffix_in_namespace(CORE) {
        Some(name) => format!("!!{name}"),
        None => format!("{}{}", tag.handle(), tag.suffix()),
    })
}
