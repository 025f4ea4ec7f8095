//! Checks: calls that wait for the value they are put on.
//!
//! Not here: bounds (`bounds`), and checks that match a value with others (`matchers`).

use std::collections::HashMap;
use std::sync::Arc;

use super::equal::same;
use super::graph::{Check, Frame, Vertex, Vid};
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Callee, Ex, Native, Presence};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::number::Number;
use crate::source::Span;

impl Evaluator {
    /// Runs the checks of a vertex that waited for its value.
    pub(super) fn check_calls(&mut self, vid: Vid, scalar: Option<&Data>) -> Option<Arc<Error>> {
        let checks = self.get(vid).node.checks.clone();
        checks.into_iter().find_map(|check| {
            let Check::Call { callee, args, frame, span, .. } = check else { return None };
            match self.check_call(vid, scalar, &callee, &args, frame, span) {
                Ok(broken) => broken,
                Err(Stop::Fail(error)) => Some(error),
                Err(Stop::Blocked(_)) => None,
            }
        })
    }

    pub(super) fn check_call(
        &mut self,
        vid: Vid,
        scalar: Option<&Data>,
        callee: &Callee,
        args: &[Ex],
        frame: Frame,
        span: Span,
    ) -> Step<Option<Arc<Error>>> {
        let Callee::Package(name, function) = callee else { return self.holds(vid, callee, args, frame, span) };
        let value = match scalar {
            Some(data) => data.clone(),
            None => match self.data(vid) {
                Ok(data) => data,
                Err(error) if error.code.is_open() => return Err(Stop::Fail(error)),
                Err(_) => return Ok(None),
            },
        };
        let shown = super::data::brief(&value);
        let mut data = vec![value];
        for arg in args {
            match self.concrete(arg, frame) {
                // Whether a value is checked against what isn't known differs with the order of things.
                Err(Stop::Fail(error)) if error.code.is_open() => {
                    return Err(Stop::Fail(Arc::new(Error { code: Code::Undecided, ..(*error).clone() })));
                }
                known => data.push(known?),
            }
        }
        for (value, kind) in data.iter().zip(function.params) {
            if !kind.meets(super::insert::kind_of(value)) {
                let text = format!("cannot use {} as {kind} in {name}", super::data::brief(value));
                return self.fail(Code::Conflict, text, span);
            }
        }
        match self.call_data(name, function, &data, span)? {
            Data::Bool(true) => Ok(None),
            _ => {
                let text = format!("invalid value {shown} (does not satisfy {name})");
                Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))))
            }
        }
    }

    /// Whether a finished vertex satisfies a validator of the graph; gives the error if not.
    pub(super) fn holds(
        &mut self,
        vid: Vid,
        callee: &Callee,
        args: &[Ex],
        frame: Frame,
        span: Span,
    ) -> Step<Option<Arc<Error>>> {
        let Callee::Native(native) = callee else { return Ok(None) };
        let broken = |text: String| Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))));
        match native {
            Native::MatchN | Native::MatchIf => self.matching(vid, native, args, frame, span),
            Native::Package("list", "UniqueItems") => match self.duplicate(vid) {
                Some((a, b)) => broken(format!("equal values at positions {a} and {b}")),
                None => Ok(None),
            },
            Native::Package("list", "MatchN") => self.list_match_n(vid, args, frame, span),
            Native::Package(package, name) if matches!(*package, "list" | "struct") => {
                let wanted = self.whole(&args[0], frame)?;
                let found = Number::int(self.size(vid, *package == "list"));
                let order = found.compare(&wanted);
                let minimum = name.starts_with("Min");
                if (minimum && order.is_lt()) || (!minimum && order.is_gt()) {
                    let code = self.too_few_yet(vid, *package == "list", minimum);
                    let text = format!("{found} given, but {package}.{name}({wanted})");
                    return Ok(Some(Arc::new(Error::new(code, text, Some(span)))));
                }
                Ok(None)
            }
            Native::Package("encoding/json" | "encoding/yaml", name) => {
                self.validate_text(vid, native, *name == "ValidatePartial", args, frame, span)
            }
            Native::Package(package, name) => {
                let error = self.refuse(Code::Unsupported, format!("{package}.{name} is not supported"), Some(span));
                Err(Stop::Fail(error))
            }
            _ => Ok(None),
        }
    }

    /// Whether text is JSON or YAML of a value that fits.
    pub(super) fn validate_text(
        &mut self,
        vid: Vid,
        native: &Native,
        partial: bool,
        args: &[Ex],
        frame: Frame,
        span: Span,
    ) -> Step<Option<Arc<Error>>> {
        let [schema] = args else { return self.fail(Code::Conflict, "it takes a text and a value", span) };
        let text = match self.scalar_of(vid, span)? {
            Data::String(text) => text.to_string(),
            Data::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => return self.fail(Code::Conflict, format!("{} is not text", other.kind_name()), span),
        };
        let file = crate::source::FileId(u32::MAX);
        let read = match native {
            Native::Package("encoding/json", _) => crate::decode::json(file, &text).map(|expr| vec![expr]),
            _ => crate::decode::yaml(file, &text),
        };
        let documents = match read {
            Ok(documents) => documents,
            Err(error) => return Ok(Some(Arc::new(Error::new(Code::Conflict, error.message, Some(span))))),
        };
        for document in documents {
            let Some(data) = crate::decode::expr_to_data(&document) else { continue };
            let given = self.literal_vertex(data, span);
            let schema = self.anonymous(schema.clone(), frame);
            let mut vertex = Vertex::new(None, None, Presence::Regular);
            vertex.unrooted = true;
            vertex.conjuncts.push(super::lookup::whole(given, frame));
            vertex.conjuncts.push(super::lookup::whole(schema, frame));
            let both = self.add_vertex(vertex);
            self.wait(both, Need::Value)?;
            if let Err(error) = self.data(both)
                && !(partial && error.code.is_open())
            {
                let text = format!("invalid value: {}", error.message);
                return Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))));
            }
        }
        Ok(None)
    }

    /// What is open may still grow.
    pub(super) fn too_few_yet(&self, vid: Vid, list: bool, minimum: bool) -> Code {
        let open_list = list && !self.get(vid).node.list.closed;
        if minimum && (open_list || !list) { Code::Incomplete } else { Code::Conflict }
    }

    pub(super) fn size(&self, vid: Vid, list: bool) -> usize {
        let vertex = self.get(vid);
        if list {
            return vertex.node.list.length as usize;
        }
        let present = |arc: &Vid| self.get(*arc).presence == Presence::Regular;
        vertex.arcs.iter().filter(|(label, arc)| label.is_regular() && present(arc)).count()
    }

    /// The places of two elements of a list that are the same concrete value.
    fn duplicate(&self, vid: Vid) -> Option<(usize, usize)> {
        let elements: Vec<_> = self.elements_in_order(vid).into_iter().map(|element| self.data(element).ok()).collect();
        let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, element) in elements.iter().enumerate() {
            let Some(element) = element else { continue };
            let alike = seen.entry(super::equal::digest(element)).or_default();
            let same = |known: &&usize| elements[**known].as_ref().is_some_and(|known| same(known, element));
            if let Some(known) = alike.iter().find(same) {
                return Some((*known, at));
            }
            alike.push(at);
        }
        None
    }
}
