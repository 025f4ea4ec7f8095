//! Calls: the language's own functions, those of standard packages that look at the graph, and the way to all others.
//!
//! Not here: functions on concrete data (`builtin`).

use std::sync::Arc;

use super::graph::{Conjunct, DefaultMode, Frame, Origin, Value, Vid};
use super::operand::Outcome;
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Callee, Ex, Native, Presence};
use crate::data::Data;
use crate::error::Code;
use crate::kind::Kind;
use crate::number::Number;
use crate::source::Span;

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
                Ok(Outcome::Data(Data::Bool(super::equal::same(&sorted, &given))))
            }
            (Native::Package(..) | Native::MatchN | Native::MatchIf, [value, rest @ ..])
                if is_validator(&Callee::Native(native), rest.len()) =>
            {
                let vid = match self.evaluate(value, frame)? {
                    Outcome::Vertex(vid) => vid,
                    Outcome::Data(data) => self.literal_vertex(data, value.span),
                };
                self.value_of(vid)?;
                let (vid, callee) = (self.default_of(vid), Callee::Native(native));
                self.expect_kind(vid, validated(&callee).0, value.span)?;
                let holds = self.holds(vid, &callee, rest, frame, span)?;
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

    /// An argument must be of a kind, and not only become it.
    fn expect_kind(&mut self, vid: Vid, wanted: Kind, span: Span) -> Step<()> {
        let found = self.get(vid).node.kind;
        match found & wanted {
            both if both == found => Ok(()),
            Kind::BOTTOM => self.fail(Code::Conflict, format!("cannot use a value of type {found} as {wanted}"), span),
            _ => self.fail(Code::Incomplete, format!("incomplete value {found}: {wanted} is needed"), span),
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

    pub(super) fn call_data(
        &mut self,
        name: &Arc<str>,
        function: &'static crate::builtin::Builtin,
        args: &[Data],
        span: Span,
    ) -> Step<Data> {
        match function.run(args) {
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
                // Of an open list it is the least length.
                Ok(Self::count(self.get(vid).node.list.length as usize))
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

    pub(super) fn whole(&mut self, expr: &Ex, frame: Frame) -> Step<Number> {
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
}

fn known(path: &str, name: &str) -> bool {
    matches!(path, "list" | "struct" | "encoding/json" | "encoding/yaml") && name != "Comprehension"
}
