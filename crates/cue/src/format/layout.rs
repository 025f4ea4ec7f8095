//! Tokens and comments to lines of cells.
//!
//! The lines end where the source's do, with few exceptions: the rules are in [`Layout::break_before`]. A line that
//! continues something is indented once for the innermost thing that it continues: a struct, a list, a field's value
//! or a clause ([`Layout::end_line`]).
//!
//! Not here: the tree (`marks` says what it knows of tokens), spaces within a line (`space`), columns (`align`).

use super::align::Line;
use super::marks::Marks;
use super::respell;
use super::space::{self, Gap};
use crate::syntax::ast::Comment;
use crate::syntax::token::{Token, TokenKind};

mod commas;
mod strings;

use commas::ListStyle;

/// Beyond this, in tabs, strings with several lines keep their indentation.
const MAX_STRING_INDENT: usize = 6;

/// What a bracket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    /// `{ … }`
    Struct,
    /// `[ … ]`, a list or a pattern.
    List(ListStyle),
    /// `f( … )`
    Call,
    /// `x[ … ]`; true if a slice has spaces around its colon.
    Index(bool),
    /// `( … )`
    Paren,
    /// `import ( … )`
    Imports,
    /// `~( … )`
    Alias,
    /// `\( … )`
    Interpolation,
}

/// A bracket and the line on which it was opened.
#[derive(Clone, Copy, Debug)]
struct Open {
    bracket: Bracket,
    line: usize,
}

/// What was written last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// Its kind; a comment has none.
    pub(super) kind: Option<TokenKind>,
    /// In the source.
    pub(super) start: u32,
    /// In the source.
    pub(super) end: u32,
}

pub(super) struct Layout<'a> {
    pub(super) text: &'a str,
    pub(super) marks: &'a Marks,
    tokens: &'a [Token],
    /// For each token: what is known of lists and strings before they are laid out.
    strings: strings::Indents<'a>,
    lists: commas::Lists,
    lines: Vec<Line>,
    line: Line,
    open: Vec<Open>,
    /// Things that further lines continue, and whether they have been indented for it.
    indents: Vec<bool>,
    level: usize,
    pub(super) last: Option<Written>,
    /// A comma of the source that has not been decided on.
    comma: Option<TokenKind>,
    /// Line ends of the source since the last token or comment.
    breaks: usize,
    /// Where the source was read to.
    seen: u32,
    block_end_due: bool,
    section_due: bool,
    /// A `{` stands on this line.
    brace_on_line: bool,
    /// The bracket that was closed last, and the line on which it was opened.
    closed_bracket: Option<Bracket>,
    closed_line: usize,
    /// A comma stands before the next token.
    pub(super) comma_written: bool,
    /// The `=` that was written last has a space before it.
    pub(super) bind_was_wide: bool,
    /// The value that was written last stands in a column.
    pub(super) value_in_column: bool,
}

/// The lines of a text, from its tokens and comments.
pub(super) fn lines(text: &str, tokens: &[Token], comments: &[Comment], marks: &Marks) -> Vec<Line> {
    let mut layout = Layout {
        text,
        marks,
        tokens,
        strings: strings::Indents::of(text, tokens),
        lists: commas::Lists::of(tokens, marks),
        lines: Vec::new(),
        line: Line::default(),
        open: Vec::new(),
        indents: Vec::new(),
        level: 0,
        last: None,
        comma: None,
        breaks: 0,
        seen: 0,
        block_end_due: false,
        section_due: false,
        brace_on_line: false,
        closed_bracket: None,
        closed_line: 0,
        comma_written: false,
        bind_was_wide: false,
        value_in_column: false,
    };
    let mut comments = comments.iter().peekable();
    for (index, token) in tokens.iter().enumerate() {
        layout.enter(*token);
        while let Some(comment) = comments.next_if(|comment| comment.span.start < token.start) {
            layout.comment(comment);
        }
        layout.token(index);
    }
    comments.for_each(|comment| layout.comment(comment));
    layout.finish()
}

impl<'a> Layout<'a> {
    fn finish(mut self) -> Vec<Line> {
        if !self.line.cells.is_empty() {
            self.lines.push(self.line);
        }
        self.lines
    }

    fn see(&mut self, start: u32, end: u32) {
        let gap = self.text.get(self.seen as usize..start as usize).unwrap_or("");
        self.breaks += gap.matches('\n').count();
        self.seen = end.max(start);
    }

    /// Enters what begins with a token; the comments before it belong to that already.
    fn enter(&mut self, token: Token) {
        let entered = self.marks.indents.get(&token.start).copied().unwrap_or(0);
        self.indents.extend(std::iter::repeat_n(false, entered));
    }

    fn token(&mut self, index: usize) {
        let token = self.tokens[index];
        self.see(token.start, token.end);
        match token.kind {
            TokenKind::End => return,
            TokenKind::Comma | TokenKind::AutoComma => {
                self.comma = Some(token.kind);
                return;
            }
            _ => {}
        }
        if !self.marks.left_out.contains(&token.start) {
            self.write_token(index, token);
        }
        for _ in 0..self.marks.dedents.get(&token.end).copied().unwrap_or(0) {
            self.leave_indent();
        }
        self.block_end_due |= self.marks.block_ends.contains(&token.end);
        self.section_due |= self.marks.sections.contains(&token.end);
    }

    fn write_token(&mut self, index: usize, token: Token) {
        let closed = self.close(token);
        let breaks = self.break_before(token, closed);
        self.decide_comma(breaks > 0, closed.is_some());
        if breaks > 0 {
            self.end_line(breaks > 1, closed.is_some());
        }
        let gap = if self.line.cells.is_empty() { Gap::None } else { space::between(self, token, closed) };
        let text = self.spelling(index, token);
        self.write(&text, gap);
        self.remember(token, gap);
        self.last = Some(Written { kind: Some(token.kind), start: token.start, end: token.end });
        self.breaks = 0;
        if self.marks.continued.contains(&token.start) {
            self.indents.push(false);
        }
        self.open(token);
    }

    /// What the gap before a later token depends on.
    fn remember(&mut self, token: Token, gap: Gap) {
        self.comma_written = false;
        if token.kind == TokenKind::Bind {
            self.bind_was_wide = gap == Gap::Space;
        }
        if token.kind == TokenKind::Colon {
            self.value_in_column = false;
        }
        self.value_in_column |= gap == Gap::Column;
    }

    fn comment(&mut self, comment: &Comment) {
        self.see(comment.span.start, comment.span.end);
        let own_line = !comment.trailing || self.last.is_none_or(|last| last.kind.is_none());
        self.decide_comma(true, false);
        if own_line && self.last.is_some() {
            self.end_line(self.breaks > 1, false);
        }
        let gap = match self.last.and_then(|last| last.kind) {
            _ if self.line.cells.is_empty() => Gap::None,
            Some(TokenKind::LeftBrace | TokenKind::LeftBracket) => Gap::None,
            _ => Gap::Column,
        };
        self.write(comment.text.trim_end(), gap);
        self.comma_written = false;
        self.last = Some(Written { kind: None, start: comment.span.start, end: comment.span.end });
        self.breaks = 0;
    }

    fn write(&mut self, text: &str, gap: Gap) {
        if gap == Gap::Column || self.line.cells.is_empty() {
            self.line.cells.push(String::new());
        }
        if let Some(cell) = self.line.cells.last_mut() {
            if gap == Gap::Space {
                cell.push(' ');
            }
            cell.push_str(text);
        }
    }

    /// Ends the line and indents the next one; a closing bracket has left what it closes.
    fn end_line(&mut self, blank: bool, closing: bool) {
        let blank = blank || self.section_due;
        let after_brace = self.last.is_some_and(|last| last.kind == Some(TokenKind::LeftBrace));
        let after_operator = self.last.is_some_and(|last| space::is_binary(self, last));
        self.line.ends_block |= self.block_end_due || blank || after_brace || after_operator;
        (self.block_end_due, self.section_due, self.brace_on_line) = (false, false, false);
        if let Some(innermost) = self.indents.last_mut().filter(|indented| !closing && !**indented) {
            *innermost = true;
            self.level += 1;
        }
        let next = Line { indent: self.level, ..Line::default() };
        self.lines.push(std::mem::replace(&mut self.line, next));
        if blank {
            self.lines.push(Line { ends_block: true, ..Line::default() });
        }
    }

    fn leave_indent(&mut self) {
        if self.indents.pop() == Some(true) {
            self.level = self.level.saturating_sub(1);
        }
    }

    /// How many line ends stand before the token: none, one, or two for a blank line.
    fn break_before(&self, token: Token, closed: Option<Bracket>) -> usize {
        let Some(last) = self.last else { return 0 };
        let Some(last_kind) = last.kind else { return self.breaks.clamp(1, 2) };
        let source = self.breaks.min(2);
        let in_imports = self.open.last().is_some_and(|open| open.bracket == Bracket::Imports);
        match (token.kind, closed) {
            _ if self.section_due => 2,
            (_, Some(Bracket::Imports)) => 1,
            _ if in_imports && (self.comma.is_some() || last_kind == TokenKind::LeftParen) => source.max(1),
            (_, Some(Bracket::Struct)) => self.break_before_brace(last_kind, source),
            (_, Some(Bracket::List(_))) if last_kind == TokenKind::LeftBracket => 0,
            _ if space::is_joined(self, token) => 0,
            _ => source,
        }
    }

    /// A struct of several lines ends on a line of its own, unless it ends with another bracket.
    fn break_before_brace(&self, last: TokenKind, source: usize) -> usize {
        if last == TokenKind::LeftBrace {
            return 0;
        }
        if matches!(last, TokenKind::RightBrace | TokenKind::RightBracket) {
            return source;
        }
        if self.closed_line != self.lines.len() { 1 } else { source.min(1) }
    }

    /// Leaves the bracket that the token closes.
    fn close(&mut self, token: Token) -> Option<Bracket> {
        let closes = matches!(
            token.kind,
            TokenKind::RightBrace
                | TokenKind::RightBracket
                | TokenKind::RightParen
                | TokenKind::InterpolationMiddle
                | TokenKind::InterpolationEnd
        );
        let open = if closes { self.open.pop()? } else { return None };
        (self.closed_line, self.closed_bracket) = (open.line, Some(open.bracket));
        if matches!(open.bracket, Bracket::Struct | Bracket::List(_) | Bracket::Imports) {
            self.leave_indent();
        }
        Some(open.bracket)
    }

    /// Enters the bracket that the token opens.
    fn open(&mut self, token: Token) {
        let bracket = match token.kind {
            TokenKind::LeftBrace => Bracket::Struct,
            TokenKind::LeftBracket => self.square(token),
            TokenKind::LeftParen => self.round(token),
            TokenKind::InterpolationStart | TokenKind::InterpolationMiddle => Bracket::Interpolation,
            _ => return,
        };
        self.brace_on_line |= bracket == Bracket::Struct;
        if matches!(bracket, Bracket::Struct | Bracket::List(_) | Bracket::Imports) {
            self.indents.push(false);
        }
        self.open.push(Open { bracket, line: self.lines.len() });
    }

    fn square(&self, token: Token) -> Bracket {
        match self.operand_before(token) {
            Some(end) => Bracket::Index(self.marks.wide_slices.contains(&end)),
            None => Bracket::List(self.lists.style(token)),
        }
    }

    fn round(&self, token: Token) -> Bracket {
        if self.marks.import_groups.contains(&token.start) {
            return Bracket::Imports;
        }
        match self.previous_end(token) {
            Some((TokenKind::Tilde, _)) => Bracket::Alias,
            Some((_, end)) if self.marks.operands.contains(&end) => Bracket::Call,
            _ => Bracket::Paren,
        }
    }

    /// The end of the operand that the bracket belongs to, if it belongs to one.
    pub(super) fn operand_before(&self, token: Token) -> Option<u32> {
        self.previous_end(token).map(|(_, end)| end).filter(|end| self.marks.operands.contains(end))
    }

    /// Kind and end of the token before this one in the source.
    fn previous_end(&self, token: Token) -> Option<(TokenKind, u32)> {
        let index = self.tokens.partition_point(|other| other.start < token.start);
        let before = self.tokens.get(index.checked_sub(1)?)?;
        Some((before.kind, before.end))
    }

    /// Whether a value that may stand in a column does: not behind a `{` on the same line.
    pub(super) fn column_or_space(&self) -> Gap {
        if self.brace_on_line { Gap::Space } else { Gap::Column }
    }

    pub(super) fn innermost(&self) -> Option<Bracket> {
        self.open.last().map(|open| open.bracket)
    }

    fn spelling(&self, index: usize, token: Token) -> String {
        let text = self.text.get(token.start as usize..token.end as usize).unwrap_or("");
        if let Some(label) = self.marks.labels.get(&token.start) {
            return label.clone();
        }
        match token.kind {
            TokenKind::Number => respell::number(text),
            TokenKind::String => self.string_spelling(index, text),
            _ => text.to_owned(),
        }
    }
}
