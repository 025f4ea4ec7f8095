//! What a value refers to that isn't part of it: imports, and values that are put beside it as `let`s.
//!
//! Not here: what is part of it (`scope`).

use std::sync::Arc;

use super::tree;
use super::{Done, Style, Writer};
use crate::builtin;
use crate::compile::ir::{Callee, Native};
use crate::compile::is_predeclared;
use crate::eval::graph::Vid;
use crate::format::quote_string;
use crate::kind::Kind;
use crate::source::Span;
use crate::syntax::ast::{Decl, Expr, Let, Presence};

/// How many values may be put beside one.
const MAX_LETS: usize = 1_000;

/// The definition that a closed value beside the written one is closed by.
const CLOSED: &str = "#x";

/// An import that what is written needs.
#[derive(Debug)]
pub(crate) struct Import {
    path: Arc<str>,
    name: Arc<str>,
    /// The name isn't the one that the path ends with.
    renamed: bool,
}

impl Import {
    /// The text of the import's spec.
    pub(crate) fn spec(&self) -> String {
        let path = quote_string(&self.path);
        if self.renamed { format!("{} {path}", self.name) } else { path }
    }
}

/// A value that is put beside the written one.
#[derive(Debug)]
struct Beside {
    vid: Vid,
    name: Arc<str>,
    closed: bool,
}

/// All that is needed beside a value.
#[derive(Debug, Default)]
pub(super) struct Outside {
    imports: Vec<Import>,
    lets: Vec<Beside>,
}

impl Outside {
    /// Whether something beside the value has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.lets.iter().any(|beside| &*beside.name == name) || self.imports.iter().any(|import| &*import.name == name)
    }

    pub(super) fn into_imports(mut self) -> Vec<Import> {
        self.imports.sort_by(|a, b| a.path.cmp(&b.path));
        self.imports
    }
}

impl Writer<'_> {
    /// A function of the language or of a standard package.
    pub(super) fn callee(&mut self, callee: &Callee) -> Expr {
        match callee {
            Callee::Native(Native::Package(path, name)) => {
                let package = self.import(path, None);
                tree::selector(tree::name(package), &Arc::from(*name), true)
            }
            Callee::Native(native) => self.predeclared(native_name(*native)),
            Callee::Package(full, function) => {
                let holds =
                    |package: &builtin::Package| package.functions.iter().any(|known| std::ptr::eq(known, *function));
                let found = builtin::packages().iter().find(|package| holds(package));
                let path = found.map_or_else(|| full.split('.').next().unwrap_or_default(), |package| package.path);
                let package = self.import(path, None);
                tree::selector(tree::name(package), &Arc::from(function.name), true)
            }
        }
    }

    /// The name of an imported package.
    pub(super) fn import(&mut self, path: &str, wanted: Option<&str>) -> Arc<str> {
        if let Some(known) = self.outside.imports.iter().find(|import| &*import.path == path) {
            return known.name.clone();
        }
        let last = package_name(path);
        let wanted = wanted.unwrap_or(last);
        let name = self.fresh(wanted);
        let renamed = &*name != last;
        self.outside.imports.push(Import { path: Arc::from(path), name: name.clone(), renamed });
        name
    }

    /// Names a package of ours by its number.
    pub(super) fn package(&mut self, index: usize, span: Span) -> Done<Expr> {
        let Some(package) = self.home.packages.get(index) else {
            return Err(self.refused("a package without a source", span));
        };
        let (path, name) = (package.path.clone(), package.name.clone());
        if path.is_empty() {
            return Err(self.refused("a package without a path", span));
        }
        // The name need not be said where the path ends with it.
        let plain = path.strip_suffix(&format!(":{name}")).filter(|plain| package_name(plain) == name);
        let name = self.import(plain.unwrap_or(&path), Some(&name));
        Ok(tree::name(name))
    }

    /// Names a vertex that can't be seen from here: it is put beside the value, under this name if that is free.
    pub(super) fn name_outside(&mut self, vid: Vid, wanted: Option<&str>, span: Span) -> Done<Expr> {
        self.finish(vid);
        let stands = self.evaluator.deref(vid);
        let known = self.outside.lets.iter().position(|beside| self.evaluator.deref(beside.vid) == stands);
        let at = match known {
            Some(at) => at,
            None => {
                if self.outside.lets.len() >= MAX_LETS {
                    return Err(self.refused(&format!("more than {MAX_LETS} values beside one"), span));
                }
                let name = wanted.map_or_else(|| self.name_for(vid), |name| self.fresh(name));
                let holds = self.evaluator.kind_of_vertex(stands).meets(Kind::STRUCT | Kind::LIST);
                let waits = self.evaluator.get(stands).node.kind.meets(Kind::STRUCT | Kind::LIST);
                let closed = self.evaluator.get(stands).closed_recursive && (holds || waits);
                self.outside.lets.push(Beside { vid, name, closed });
                self.outside.lets.len() - 1
            }
        };
        let beside = &self.outside.lets[at];
        let name = tree::name(beside.name.clone());
        Ok(if beside.closed { tree::selector(name, &Arc::from(CLOSED), false) } else { name })
    }

    /// The `let`s for everything that was named so. Writing one may name more.
    pub(super) fn lets(&mut self) -> Done<Vec<Decl>> {
        let mut decls = Vec::new();
        let mut at = 0;
        while let Some(beside) = self.outside.lets.get(at) {
            let (vid, name, closed) = (beside.vid, beside.name.clone(), beside.closed);
            self.style = Style::WHOLE;
            self.definitions = u32::from(closed);
            let mut value = self.value(vid)?;
            if closed {
                let label = crate::syntax::ast::Label::Ident(tree::ident(&Arc::from(CLOSED)));
                value = tree::structure(vec![tree::field(label, Presence::Regular, value)]);
            }
            decls.push(Decl::Let(Box::new(Let { name: tree::ident(&name), value, span: tree::NOWHERE })));
            at += 1;
        }
        Ok(decls)
    }

    fn name_for(&self, vid: Vid) -> Arc<str> {
        let label = self.evaluator.get(vid).label.filter(|label| label.as_index().is_none());
        let text = label.map(|label| self.evaluator.binder.labels.name(label)).unwrap_or_default();
        let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.trim_start_matches(|c: char| c.is_ascii_digit()).to_ascii_uppercase();
        self.fresh(if letters.is_empty() { "VALUE" } else { &letters })
    }

    /// A name that means nothing anywhere: this one, or one that is made of it.
    pub(super) fn fresh(&self, wanted: &str) -> Arc<str> {
        let taken = |name: &str| {
            self.evaluator.binder.labels.knows(name)
                || self.outside.has(name)
                || !self.is_free(name)
                || is_predeclared(name)
        };
        if !taken(wanted) {
            return Arc::from(wanted);
        }
        let numbered = (1_u64..).map(|number| format!("{wanted}_{number}")).find(|name| !taken(name));
        numbered.unwrap_or_default().into()
    }
}

/// The name that a package has by its path: `b` for `a/b`, `a/b@v1` and `a/c:b`.
fn package_name(path: &str) -> &str {
    let last = path.rsplit(['/', ':']).next().unwrap_or(path);
    last.split('@').next().unwrap_or(last)
}

fn native_name(native: Native) -> &'static str {
    match native {
        Native::Len => "len",
        Native::Close => "close",
        Native::And => "and",
        Native::Or => "or",
        Native::Div => "div",
        Native::Mod => "mod",
        Native::Quo => "quo",
        Native::Rem => "rem",
        Native::Error => "error",
        Native::MatchN => "matchN",
        Native::MatchIf => "matchIf",
        Native::CloseAll => "__closeAll",
        Native::Reclose => "__reclose",
        Native::Package(_, name) => name,
    }
}
