//! Calls: the language's own functions, those of standard packages that look at the graph, and the way to all others.
//!
//! Not here: functions on concrete data (`builtin`).

use std::sync::Arc;

use super::graph::{Body, Check, Conjunct, DefaultMode, Frame, Origin, Status, Value, Vertex, Vid};
use super::operand::Outcome;
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Callee, Ex, Kinds, Native, Presence};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::number::Number;
use crate::source::Span;

/// Whether a value fits another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// A field is required that may still come.
    Later,
}

/// What a validator may be put on, and whether it decides on fields itself.
pub(super) fn validated(callee: &Callee) -> (Kind, bool) {
    match callee {
        Callee::Native(Native::MatchN | Native::MatchIf) => (Kind::TOP, true),
        Callee::Native(Native::Package("list", "MatchN")) => (Kind::LIST, true),
        Callee::Native(Native::Package("list", _)) => (Kind::LIST, false),
        Callee::Native(Native::Package("struct", _)) => (Kind::STRUCT, false),
        Callee::Native(Native::Package("encoding/json" | "encoding/yaml", _)) => (Kind::STRING | Kind::BYTES, false),
        Callee::Native(_) => (Kind::TOP, false),
        Callee::Package(_, function) => (function.params.first().copied().unwrap_or(Kind::TOP), false),
    }
}

/// Whether a call with this many arguments is a validator.
pub(super) fn is_validator(callee: &Callee, args: usize) -> bool {
    match callee {
        Callee::Native(Native::MatchN) => args == 2,
        Callee::Native(Native::MatchIf) => args == 3,
        Callee::Native(Native::Package("list", "MinItems" | "MaxItems")) => args == 1,
        Callee::Native(Native::Package("list", "UniqueItems")) => args == 0,
        Callee::Native(Native::Package("list", "MatchN")) => args == 2,
        Callee::Native(Native::Package("struct", _)) => args == 1,
        Callee::Native(Native::Package("encoding/json" | "encoding/yaml", _)) => args == 1,
        Callee::Native(_) => false,
        Callee::Package(_, function) => function.is_validator(args),
    }
}

impl Evaluator {
    pub(super) fn evaluate_call(&mut self, expr: &Ex, callee: &Callee, args: &[Ex], frame: Frame) -> Step<Outcome> {
        match callee {
            Callee::Package(name, function) => {
                let name = name.clone();
                self.call_package(&name, function, args, frame, expr.span)
            }
            Callee::Native(native) => self.call_native(expr, *native, args, frame),
        }
    }

    /// The function that an expression gives.
    pub(super) fn function_of(&mut self, of: &Ex, frame: Frame) -> Step<Callee> {
        let vid = match self.evaluate(of, frame)? {
            Outcome::Vertex(vid) => vid,
            Outcome::Data(data) => {
                let text = format!("cannot call {}: it is no function", super::data::brief(&data));
                return self.fail(Code::Conflict, text, of.span);
            }
        };
        self.value_of(vid)?;
        let vid = self.default_of(vid);
        if let Some(error) = self.error_of(vid) {
            return Err(Stop::Fail(error));
        }
        let node = &self.get(vid).node;
        if let Some(function) = node.function.clone() {
            return Ok(*function);
        }
        let open = node.kind.meets(Kind::FUNC);
        let code = if open { Code::Incomplete } else { Code::Conflict };
        self.fail(code, "only functions can be called", of.span)
    }

    fn call_native(&mut self, expr: &Ex, native: Native, args: &[Ex], frame: Frame) -> Step<Outcome> {
        let span = expr.span;
        match (native, args) {
            (Native::Len, [of]) => self.length(of, frame).map(Outcome::Data),
            (Native::Close | Native::CloseAll | Native::Reclose | Native::And | Native::Or, [_]) => {
                Ok(Outcome::Vertex(self.anonymous(expr.clone(), frame)))
            }
            (Native::Div | Native::Mod | Native::Quo | Native::Rem, [a, b]) => {
                self.whole_division(native, a, b, frame, span).map(Outcome::Data)
            }
            (Native::Error, [message]) => {
                let text = match self.scalar(message, frame)? {
                    Data::String(text) => text.to_string(),
                    other => super::data::brief(&other),
                };
                self.fail(Code::User, text, span)
            }
            (Native::Package("list", "Sort" | "SortStable"), [list, order]) => {
                self.sort(list, order, frame).map(Outcome::Data)
            }
            (Native::Package("list", "IsSorted"), [list, order]) => {
                let sorted = self.sort(list, order, frame)?;
                let given = self.concrete(list, frame)?;
                Ok(Outcome::Data(Data::Bool(super::arith::same(&sorted, &given))))
            }
            (Native::Package(..) | Native::MatchN | Native::MatchIf, [value, rest @ ..])
                if is_validator(&Callee::Native(native), rest.len()) =>
            {
                let vid = match self.evaluate(value, frame)? {
                    Outcome::Vertex(vid) => vid,
                    Outcome::Data(data) => self.literal_vertex(data, value.span),
                };
                self.value_of(vid)?;
                let holds = self.holds(self.default_of(vid), &Callee::Native(native), rest, frame, span)?;
                match (holds, native) {
                    (Some(error), Native::Package("encoding/json" | "encoding/yaml", _)) => Err(Stop::Fail(error)),
                    (holds, _) => Ok(Outcome::Data(Data::Bool(holds.is_none()))),
                }
            }
            _ if is_validator(&Callee::Native(native), args.len()) => {
                Ok(Outcome::Vertex(self.anonymous(expr.clone(), frame)))
            }
            (Native::Package(path, name), _) if !known(path, name) => {
                let error = self.refuse(Code::Unsupported, format!("{path}.{name} is not supported"), Some(span));
                Err(Stop::Fail(error))
            }
            _ => self.fail(Code::Conflict, "wrong number of arguments", span),
        }
    }

    fn call_package(
        &mut self,
        name: &Arc<str>,
        function: &'static crate::builtin::Builtin,
        args: &[Ex],
        frame: Frame,
        span: Span,
    ) -> Step<Outcome> {
        if !function.takes(args.len()) {
            let text = format!("{name} takes {} arguments, not {}", function.params.len(), args.len());
            return self.fail(Code::Conflict, text, span);
        }
        if let Some(elements) = self.rearranged(name, args, frame)? {
            return Ok(Outcome::Vertex(self.list_vertex(elements, span)));
        }
        let mut data = Vec::with_capacity(args.len());
        for (arg, kind) in args.iter().zip(function.params) {
            let value = self.concrete(arg, frame)?;
            if !kind.meets(super::insert::kind_of(&value)) {
                let text = format!(
                    "cannot use {} (type {}) as {kind} in {name}",
                    super::data::brief(&value),
                    value.kind_name()
                );
                return self.fail(Code::Conflict, text, arg.span);
            }
            data.push(value);
        }
        self.call_data(name, function, &data, span).map(Outcome::Data)
    }

    /// Functions that only move elements work on elements that aren't concrete, too. `None`: all is concrete, or it is
    /// none of them.
    fn rearranged(&mut self, name: &str, args: &[Ex], frame: Frame) -> Step<Option<Vec<Vid>>> {
        let moves = ["list.Concat", "list.Repeat", "list.Take", "list.Drop", "list.Slice", "list.Reverse"];
        let (true, Some((first, rest))) = (moves.contains(&name), args.split_first()) else { return Ok(None) };
        match self.concrete(first, frame) {
            Err(Stop::Fail(error)) if error.code == Code::Incomplete => {}
            Err(stop) => return Err(stop),
            Ok(_) => return Ok(None),
        }
        let mut elements = self.elements_of(first, frame)?;
        let mut numbers = Vec::new();
        for arg in rest {
            let number = self.whole(arg, frame)?;
            let size = number.to_i64().and_then(|value| usize::try_from(value).ok());
            match size {
                Some(size) => numbers.push(size),
                None => {
                    return self.fail(Code::Conflict, format!("invalid argument {number} in call to {name}"), arg.span);
                }
            }
        }
        match (name, numbers.as_slice()) {
            ("list.Reverse", _) => elements.reverse(),
            ("list.Take", [count]) => elements.truncate(*count),
            ("list.Drop", [count]) => drop(elements.drain(..(*count).min(elements.len()))),
            ("list.Slice", [low, high]) if low <= high && *high <= elements.len() => {
                elements = elements[*low..*high].to_vec();
            }
            ("list.Repeat", [count]) if count.saturating_mul(elements.len()) <= MAX_ELEMENTS => {
                elements = elements.repeat(*count);
            }
            ("list.Concat", _) => {
                let lists = std::mem::take(&mut elements);
                for list in lists {
                    elements.extend(self.list_elements(list, first.span)?);
                }
            }
            _ => return self.fail(Code::Conflict, format!("invalid arguments in call to {name}"), first.span),
        }
        Ok(Some(elements))
    }

    fn list_vertex(&mut self, elements: Vec<Vid>, span: Span) -> Vid {
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.unrooted = true;
        let body = Body::List(elements.into(), span);
        vertex.conjuncts.push(Conjunct { body, frame: self.void, origin: Origin::ROOT });
        self.add_vertex(vertex)
    }

    fn call_data(
        &mut self,
        name: &Arc<str>,
        function: &'static crate::builtin::Builtin,
        args: &[Data],
        span: Span,
    ) -> Step<Data> {
        match (function.call)(args) {
            Ok(data) => Ok(data),
            Err(error) if error.unsupported => {
                Err(Stop::Fail(self.refuse(Code::Unsupported, format!("{name}: {}", error.message), Some(span))))
            }
            Err(error) => self.fail(Code::Conflict, format!("error in call to {name}: {}", error.message), span),
        }
    }

    fn length(&mut self, of: &Ex, frame: Frame) -> Step<Data> {
        let vid = match self.evaluate(of, frame)? {
            Outcome::Vertex(vid) => vid,
            Outcome::Data(data) => return self.length_of(&data, of.span),
        };
        self.wait(vid, Need::Fields)?;
        let listed = self.default_of(vid);
        if self.get(listed).node.list.closed && self.get(listed).node.errors.is_empty() {
            return Ok(Self::count(self.get(listed).node.list.length as usize));
        }
        self.value_of(vid)?;
        let vid = self.default_of(vid);
        match self.get(vid).value.clone() {
            Value::Struct => {
                self.v(vid).node.fields_seen = true;
                let regular = |(label, arc): &(&crate::label::Label, &Vid)| {
                    label.is_regular() && self.get(**arc).presence == Presence::Regular
                };
                Ok(Self::count(self.get(vid).arcs.iter().filter(regular).count()))
            }
            Value::List => {
                let list = &self.get(vid).node.list;
                let length = list.length;
                if list.closed {
                    return Ok(Self::count(length as usize));
                }
                self.fail(Code::Incomplete, "the length of an open list is not known", of.span)
            }
            _ => {
                let data = self.scalar_of(vid, of.span)?;
                self.length_of(&data, of.span)
            }
        }
    }

    fn length_of(&mut self, data: &Data, span: Span) -> Step<Data> {
        match data {
            Data::String(text) => Ok(Self::count(text.len())),
            Data::Bytes(bytes) => Ok(Self::count(bytes.len())),
            Data::List(items) => Ok(Self::count(items.len())),
            Data::Struct(fields) => Ok(Self::count(fields.len())),
            other => self.fail(Code::Conflict, format!("{} has no length", other.kind_name()), span),
        }
    }

    fn whole_division(&mut self, native: Native, a: &Ex, b: &Ex, frame: Frame, span: Span) -> Step<Data> {
        let x = self.whole(a, frame)?;
        let y = self.whole(b, frame)?;
        let result = match native {
            Native::Div => x.div(&y),
            Native::Mod => x.modulo(&y),
            Native::Quo => x.quo(&y),
            _ => x.rem(&y),
        };
        match result {
            Ok(number) => Ok(Data::Number(number)),
            Err(error) => self.fail(Code::Conflict, error.to_string(), span),
        }
    }

    fn whole(&mut self, expr: &Ex, frame: Frame) -> Step<Number> {
        match self.scalar(expr, frame)? {
            Data::Number(number) if number.is_int() => Ok(number),
            other => self.fail(Code::Conflict, format!("{} is not an integer", super::data::brief(&other)), expr.span),
        }
    }

    /// `close(x)` as a conjunct.
    pub(super) fn run_close(&mut self, vid: Vid, expr: &Ex, args: &[Ex], frame: Frame, origin: Origin) -> Step<()> {
        let [of] = args else { return self.fail(Code::Conflict, "close takes one argument", expr.span) };
        let closed = self.anonymous(of.clone(), frame);
        self.v(closed).closed_once = true;
        self.wait(closed, Need::Value)?;
        if let Some(error) = self.error_of(closed) {
            if error.code == Code::StructuralCycle {
                let text = "closing a struct that is part of itself is not supported";
                return Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(of.span))));
            }
            return Err(Stop::Fail(error));
        }
        let stands = self.deref(closed);
        self.v(stands).closed_once = true;
        if !self.kind_of_vertex(closed).meets(Kind::STRUCT) {
            return self.fail(Code::Conflict, "only structs can be closed", of.span);
        }
        self.take_vertex(vid, closed, origin, true);
        Ok(())
    }

    /// The elements of the list that a function was given.
    fn elements_of(&mut self, list: &Ex, frame: Frame) -> Step<Vec<Vid>> {
        let vid = match self.evaluate(list, frame)? {
            Outcome::Vertex(vid) => vid,
            Outcome::Data(data) => self.literal_vertex(data, list.span),
        };
        self.list_elements(vid, list.span)
    }

    fn list_elements(&mut self, vid: Vid, span: Span) -> Step<Vec<Vid>> {
        self.wait(vid, Need::Fields)?;
        let vid = self.default_of(vid);
        if let Some(error) = self.error_of(vid).or_else(|| self.get(vid).node.errors.first().cloned()) {
            return Err(Stop::Fail(error));
        }
        let vertex = self.get(vid);
        if !vertex.node.list.is_list {
            let code = if vertex.node.kind.meets(Kind::LIST) { Code::Incomplete } else { Code::Conflict };
            return self.fail(code, "a list is needed here", span);
        }
        let mut elements: Vec<(u32, Vid)> = Vec::new();
        for (label, arc) in &vertex.arcs {
            elements.extend(label.as_index().map(|index| (index, *arc)));
        }
        elements.sort_by_key(|(index, _)| *index);
        Ok(elements.into_iter().map(|(_, arc)| arc).collect())
    }

    pub(super) fn run_and(&mut self, vid: Vid, expr: &Ex, args: &[Ex], frame: Frame, origin: Origin) -> Step<()> {
        let [list] = args else { return self.fail(Code::Conflict, "and takes one list", expr.span) };
        let elements = self.elements_of(list, frame)?;
        if elements.is_empty() {
            let top = Conjunct::new(Self::top(expr.span), frame, origin);
            self.schedule(vid, &top, origin);
        }
        for element in elements {
            let conjunct = Conjunct { origin, ..super::lookup::whole(element, frame) };
            self.schedule(vid, &conjunct, origin);
        }
        Ok(())
    }

    pub(super) fn run_or(&mut self, vid: Vid, expr: &Ex, args: &[Ex], frame: Frame, origin: Origin) -> Step<()> {
        let [list] = args else { return self.fail(Code::Conflict, "or takes one list", expr.span) };
        let elements = self.elements_of(list, frame)?;
        for element in &elements {
            self.wait(*element, Need::Fields)?;
            if self.get(self.deref(*element)).node.taken.iter().any(|taken| self.deref(*taken) == self.deref(vid)) {
                let text = "an alternative of or() that is made of what it is an alternative of is not supported";
                return Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(expr.span))));
            }
        }
        let optional = origin.optional();
        let mut alternatives: Vec<(Conjunct, DefaultMode)> = elements
            .into_iter()
            .map(|element| (Conjunct { origin: optional, ..super::lookup::whole(element, frame) }, DefaultMode::Maybe))
            .collect();
        match alternatives.len() {
            0 => return self.fail(Code::Incomplete, "empty list in call to or", expr.span),
            1 => {
                let (conjunct, _) = alternatives.remove(0);
                self.schedule(vid, &conjunct, origin);
            }
            _ => self.add_choice(vid, alternatives, expr.span),
        }
        Ok(())
    }

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

    fn check_call(
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
    fn holds(&mut self, vid: Vid, callee: &Callee, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
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
    fn validate_text(
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
    fn too_few_yet(&self, vid: Vid, list: bool, minimum: bool) -> Code {
        let open_list = list && !self.get(vid).node.list.closed;
        if minimum && (open_list || !list) { Code::Incomplete } else { Code::Conflict }
    }

    fn size(&self, vid: Vid, list: bool) -> usize {
        let vertex = self.get(vid);
        if list {
            return vertex.node.list.length as usize;
        }
        let present = |arc: &Vid| self.get(*arc).presence == Presence::Regular;
        vertex.arcs.iter().filter(|(label, arc)| label.is_regular() && present(arc)).count()
    }

    fn duplicate(&mut self, vid: Vid) -> Option<(u32, u32)> {
        let mut elements: Vec<(u32, Vid)> = Vec::new();
        for (label, arc) in &self.get(vid).arcs {
            elements.extend(label.as_index().map(|index| (index, *arc)));
        }
        for (at, (i, a)) in elements.iter().enumerate() {
            for (j, b) in &elements[at + 1..] {
                if self.same_concrete(*a, *b) {
                    return Some((*i, *j));
                }
            }
        }
        None
    }

    /// Whether a vertex, as it stands, can be unified with another. What closes it doesn't count: arguments are open.
    fn unifies(&mut self, vid: Vid, with: Vid, frame: Frame) -> Step<Fit> {
        if self.get(vid).status == Status::New {
            self.wait(vid, Need::Value)?;
        }
        let vid = self.deref(vid);
        self.wait(with, Need::Fields)?;
        if let Some(error) = self.refuse_own_matcher(with) {
            return Err(Stop::Fail(error));
        }
        let probe = self.copy(vid);
        let vertex = self.v(probe);
        vertex.parent = None;
        vertex.unrooted = true;
        vertex.node.closing = super::closed::Closing::default();
        vertex.node.checks.retain(|check| !matches!(check, Check::Call { callee: Callee::Native(_), .. }));
        let whole = super::lookup::whole(with, frame);
        let before = self.get(vid).current;
        self.v(vid).current = Some(probe);
        self.schedule(probe, &whole, Origin::ROOT);
        let done = self.ensure(probe, Need::Value);
        self.v(vid).current = before;
        if let (Err(depth), false) = (done, self.forced) {
            return Err(Stop::Blocked(depth));
        }
        let probe = self.deref(probe);
        Ok(match &self.get(probe).value {
            Value::Bottom(error) if !error.code.is_open() => Fit::No,
            Value::Bottom(_) => Fit::Later,
            _ if self.lacks_required(probe) => Fit::Later,
            _ => Fit::Yes,
        })
    }

    /// Whether a field is required that isn't there.
    fn lacks_required(&self, vid: Vid) -> bool {
        let vid = self.default_of(vid);
        let lacks = |arc: &Vid| match self.get(*arc).presence {
            Presence::Required => true,
            Presence::Optional => false,
            Presence::Regular => self.lacks_required(*arc),
        };
        self.get(vid).arcs.values().any(lacks)
    }

    /// Refuses to match with what holds the very matcher that is being decided on.
    fn refuse_own_matcher(&mut self, with: Vid) -> Option<Arc<Error>> {
        let (_, place) = self.matchers.last().copied()?;
        let checks = &self.get(self.deref(with)).node.checks;
        let own =
            |check: &Check| matches!(check, Check::Call { callee: Callee::Native(_), span, .. } if *span == place);
        let text = "a check that is made of itself is not supported";
        checks.iter().any(own).then(|| self.refuse(Code::Unsupported, text, Some(place)))
    }

    /// A matcher must not be needed to decide on itself.
    fn matching(
        &mut self,
        vid: Vid,
        native: &Native,
        args: &[Ex],
        frame: Frame,
        span: Span,
    ) -> Step<Option<Arc<Error>>> {
        let mut checked = vid;
        while let Some(from) = self.get(checked).copied_from {
            checked = from;
        }
        if self.matchers.contains(&(checked, span)) {
            let text = "a check that is made of itself is not supported";
            return Err(Stop::Fail(self.refuse(Code::Unsupported, text, Some(span))));
        }
        self.matchers.push((checked, span));
        let broken = match native {
            Native::MatchN => self.match_n(vid, args, frame, span),
            _ => self.match_if(vid, args, frame, span),
        };
        self.matchers.pop();
        broken
    }

    fn match_n(&mut self, vid: Vid, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
        let [count, list] = args else { return self.fail(Code::Conflict, "matchN takes a number and a list", span) };
        let elements = self.elements_of(list, frame)?;
        let mut fits = Vec::new();
        for element in elements {
            fits.push(self.unifies(vid, element, frame)?);
        }
        self.count_fits(&fits, count, frame, span, "matchN")
    }

    fn list_match_n(&mut self, vid: Vid, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
        let [count, with] = args else {
            return self.fail(Code::Conflict, "list.MatchN takes a number and a value", span);
        };
        let with = self.anonymous(with.clone(), frame);
        let elements: Vec<Vid> = self.get(vid).arcs.values().copied().collect();
        let mut fits = Vec::new();
        for element in elements {
            fits.push(self.unifies(element, with, frame)?);
        }
        self.count_fits(&fits, count, frame, span, "list.MatchN")
    }

    fn count_fits(
        &mut self,
        fits: &[Fit],
        count: &Ex,
        frame: Frame,
        span: Span,
        name: &str,
    ) -> Step<Option<Arc<Error>>> {
        let matched = fits.iter().filter(|fit| **fit == Fit::Yes).count();
        let later = fits.iter().filter(|fit| **fit == Fit::Later).count();
        for more in 0..=later {
            let number = self.literal_vertex(Self::count(matched + more), span);
            let wanted = self.anonymous(count.clone(), frame);
            if self.unifies(number, wanted, frame)? != Fit::No {
                let code = if more == 0 { return Ok(None) } else { Code::Incomplete };
                let text = format!("{matched} matched as it stands, which does not satisfy {name}");
                return Ok(Some(Arc::new(Error::new(code, text, Some(span)))));
            }
        }
        let text = format!("{matched} matched, which does not satisfy {name}");
        Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))))
    }

    fn match_if(&mut self, vid: Vid, args: &[Ex], frame: Frame, span: Span) -> Step<Option<Arc<Error>>> {
        let [condition, then, otherwise] = args else {
            return self.fail(Code::Conflict, "matchIf takes a condition and two values", span);
        };
        let condition = self.anonymous(condition.clone(), frame);
        let holds = self.unifies(vid, condition, frame)? == Fit::Yes;
        let with = self.anonymous(if holds { then } else { otherwise }.clone(), frame);
        if self.unifies(vid, with, frame)? == Fit::Yes {
            return Ok(None);
        }
        let branch = if holds { "then" } else { "else" };
        let text = format!("value does not satisfy matchIf: the {branch} value does not fit");
        Ok(Some(Arc::new(Error::new(Code::Conflict, text, Some(span)))))
    }

    /// Sorts by a struct `{x: _, y: _, less: bool}`.
    fn sort(&mut self, list: &Ex, order: &Ex, frame: Frame) -> Step<Data> {
        let Data::List(items) = self.concrete(list, frame)? else {
            return self.fail(Code::Conflict, "list.Sort takes a list", list.span);
        };
        // A merge sort: as stable as asked, and it stops at the first comparison that has no answer.
        let mut runs: Vec<Vec<Data>> = items.into_iter().map(|item| vec![item]).collect();
        while runs.len() > 1 {
            let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
            let mut pairs = runs.into_iter();
            while let Some(left) = pairs.next() {
                merged.push(match pairs.next() {
                    Some(right) => self.merge(left, right, order, frame)?,
                    None => left,
                });
            }
            runs = merged;
        }
        Ok(Data::List(runs.pop().unwrap_or_default()))
    }

    fn merge(&mut self, left: Vec<Data>, right: Vec<Data>, order: &Ex, frame: Frame) -> Step<Vec<Data>> {
        let mut out = Vec::with_capacity(left.len() + right.len());
        let mut left = std::collections::VecDeque::from(left);
        let mut right = std::collections::VecDeque::from(right);
        while let (Some(a), Some(b)) = (left.front(), right.front()) {
            let (a, b) = (a.clone(), b.clone());
            if self.less(b, a, order, frame)? {
                out.extend(right.pop_front());
            } else {
                out.extend(left.pop_front());
            }
        }
        out.extend(left);
        out.extend(right);
        Ok(out)
    }

    fn less(&mut self, x: Data, y: Data, order: &Ex, frame: Frame) -> Step<bool> {
        let compare = self.anonymous(order.clone(), frame);
        let fields = [("x", x), ("y", y)].map(|(name, data)| (Arc::<str>::from(name), data));
        let pair = super::schedule::made(Kinds::Data(Data::Struct(fields.into_iter().collect())), order.span);
        let void = self.void;
        self.v(compare).conjuncts.push(Conjunct::new(pair, void, Origin::ROOT));
        let label = self.binder.labels.regular("less");
        let less = self.lookup(compare, label, order.span)?;
        match self.scalar_of(less, order.span)? {
            Data::Bool(less) => Ok(less),
            _ => self.fail(Code::Conflict, "`less` must be true or false", order.span),
        }
    }
}

fn known(path: &str, name: &str) -> bool {
    matches!(path, "list" | "struct" | "encoding/json" | "encoding/yaml") && name != "Comprehension"
}

/// The longest list that repeating may make.
const MAX_ELEMENTS: usize = 1_000_000;
