//! What a file begins with: attributes, the package clause, imports.
//!
//! Not here: what imports mean (that is [`crate::load`]).

use std::sync::Arc;

use super::Parser;
use crate::source::Span;
use crate::syntax::ast::{Attribute, Comment, File, Ident, Import};
use crate::syntax::literal;
use crate::syntax::token::{Token, TokenKind};

/// The experiments that change the syntax, as a file asks for them with `@experiment(…)`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Experiments {
    /// `a~X: 1` instead of `X=a: 1`
    pub(super) alias_v2: bool,
    /// `X=a: 1` is refused, as the file uses the other form.
    pub(super) no_prefix_alias: bool,
    /// `x...`
    pub(super) explicit_open: bool,
    /// `try`, `else`, `x?`
    pub(super) try_clause: bool,
}

impl Experiments {
    pub(super) const ALL: Self = Self { alias_v2: true, no_prefix_alias: false, explicit_open: true, try_clause: true };

    fn enable(&mut self, names: &str) {
        for name in names.split(',') {
            match name.trim().to_ascii_lowercase().as_str() {
                "aliasv2" => (self.alias_v2, self.no_prefix_alias) = (true, true),
                "explicitopen" => self.explicit_open = true,
                "try" => self.try_clause = true,
                _ => {}
            }
        }
    }
}

impl Parser<'_> {
    pub(super) fn file(&mut self, comments: Vec<Comment>) -> File {
        let mut attributes = self.file_attributes();
        let package = self.package_clause();
        attributes.extend(self.file_attributes());
        let imports = self.imports();
        let mut decls = self.declarations();
        while self.kind() != TokenKind::End {
            self.expected("a declaration");
            self.bump();
            decls.extend(self.declarations());
        }
        let span = Span::of_file(self.id);
        File { id: self.id, package, imports, attributes, decls, comments, compares_all: true, span }
    }

    fn file_attributes(&mut self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        while self.kind() == TokenKind::Attribute {
            let attribute = self.attribute();
            if &*attribute.name == "experiment" {
                self.experiments.enable(&attribute.body);
            }
            attributes.push(attribute);
            self.end_of_preamble("the attribute");
        }
        attributes
    }

    /// `package _` is a package clause too: it says that the file belongs to no package.
    fn package_clause(&mut self) -> Option<Ident> {
        if !self.at_word("package") {
            return None;
        }
        self.bump();
        let name = self.declared_ident("the name of the package");
        if name.name.contains('#') {
            self.error(name.span, format!("{} can't be the name of a package", name.name));
        }
        self.end_of_preamble("the package clause");
        Some(name)
    }

    fn imports(&mut self) -> Vec<Import> {
        let mut imports = Vec::new();
        while self.at_word("import") {
            self.bump();
            if !self.eat(TokenKind::LeftParen) {
                imports.extend(self.import_spec());
                continue;
            }
            while !matches!(self.kind(), TokenKind::RightParen | TokenKind::End) {
                let before = self.at;
                imports.extend(self.import_spec());
                if self.at == before {
                    self.bump();
                }
            }
            self.expect(TokenKind::RightParen, "')' after the imports");
            self.end_of_preamble("the imports");
        }
        imports
    }

    fn import_spec(&mut self) -> Option<Import> {
        let start = self.here();
        let name = (self.kind() == TokenKind::Ident).then(|| self.declared_ident("a name"));
        if let Some(name) = name.as_ref().filter(|name| name.name.contains('#')) {
            self.error(name.span, "a package can't be imported under the name of a definition");
        }
        let token = self.token(0);
        if !self.expect(TokenKind::String, "the path of a package, as a string") {
            self.skip_declaration();
            self.eat_comma();
            return None;
        }
        let path = self.import_path(token);
        let span = self.since(start);
        if self.kind() != TokenKind::RightParen {
            self.end_of_preamble("the import");
        }
        Some(Import { name, path, span })
    }

    fn import_path(&mut self, token: Token) -> Arc<str> {
        let path = literal::unquote(self.text_of(token)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let path = path.unwrap_or_default();
        let location = path.rsplit_once(':').map_or(path.as_str(), |(location, _)| location);
        if location.is_empty() || !location.chars().all(is_import_char) {
            self.error(self.span_of(token), format!("{} is not the path of a package", self.text_of(token)));
        }
        Arc::from(path)
    }

    /// Something of the preamble ends with a comma, a line, or the file.
    fn end_of_preamble(&mut self, what: &str) {
        if !self.eat_comma() && self.kind() != TokenKind::End {
            self.expected(&format!("a new line or ',' after {what}"));
            self.skip_declaration();
            self.eat_comma();
        }
    }

    pub(super) fn attribute(&mut self) -> Attribute {
        let token = self.bump();
        let text = self.text_of(token);
        let inside = text.strip_prefix('@').unwrap_or(text);
        let (name, rest) = inside.split_once('(').unwrap_or((inside, ""));
        let body = rest.strip_suffix(')').unwrap_or(rest);
        Attribute { name: Arc::from(name.trim_end()), body: Arc::from(body), span: self.span_of(token) }
    }
}

/// Source: the specification, "Import declarations": printable characters but these.
fn is_import_char(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !"!\"#$%&'()*,:;<=>?[\\]^{|}`\u{fffd}".contains(c)
}
