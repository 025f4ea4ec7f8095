//! Values of expressions: what operators, calls and conditions work on.
//!
//! Not here: the operators (`arith`), the functions (`calls`).

use super::graph::{Frame, Job, Origin, Task, TaskState, Value, Vid};
use super::run::Need;
use super::schedule::{made, may_refer};
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Callee, Ex, Kinds, Native, Part, UnaryOp};
use crate::data::Data;
use crate::error::Code;
use crate::kind::Kind;
use crate::number::Number;
use crate::source::Span;

/// What an expression gives.
pub(super) enum Outcome {
    /// A literal.
    Data(Data),
    /// A vertex.
    Vertex(Vid),
}

impl Evaluator {
    /// An expression as a conjunct.
    pub(super) fn run_expression(&mut self, vid: Vid, expr: &Ex, frame: Frame, origin: Origin) -> Step<()> {
        match &expr.kind {
            Kinds::Call(callee, args) => return self.run_call(vid, expr, callee, args, frame, origin),
            Kinds::CallValue(of, args) => {
                let callee = self.function_of(of, frame)?;
                return self.run_call(vid, expr, &callee, args, frame, origin);
            }
            Kinds::Bound(op, of) => {
                let value = self.bound_value(of, frame)?;
                self.insert_bound(vid, *op, value, expr.span, origin);
                return Ok(());
            }
            _ => {}
        }
        match self.evaluate(expr, frame)? {
            Outcome::Data(data) => self.insert_computed(vid, &data, expr, frame, origin),
            Outcome::Vertex(from) => {
                let conjunct = super::graph::Conjunct { origin, ..super::lookup::whole(from, frame) };
                self.schedule(vid, &conjunct, origin);
            }
        }
        Ok(())
    }

    fn bound_value(&mut self, of: &Ex, frame: Frame) -> Step<Data> {
        let vid = match self.evaluate(of, frame)? {
            Outcome::Data(data) => return Ok(data),
            Outcome::Vertex(vid) => vid,
        };
        self.value_of(vid)?;
        self.data_step(vid, of.span)
    }

    /// What an expression gives.
    pub(super) fn evaluate(&mut self, expr: &Ex, frame: Frame) -> Step<Outcome> {
        match &expr.kind {
            Kinds::Data(data) => Ok(Outcome::Data(data.clone())),
            Kinds::LabelOf { up } => {
                let label = self.frame(self.up(frame, *up)).label;
                let name = label.map(|label| self.binder.labels.name(label));
                Ok(Outcome::Data(Data::String(name.unwrap_or_else(|| "".into()))))
            }
            Kinds::Interpolation(parts, bytes) => self.interpolate(parts, *bytes, frame).map(Outcome::Data),
            Kinds::Unary(op, of) => {
                let data = self.scalar(of, frame)?;
                self.unary(*op, &data, expr.span).map(Outcome::Data)
            }
            Kinds::Boolean { op, short, left, right } => {
                self.boolean(*op, *short, left, right, frame).map(Outcome::Data)
            }
            Kinds::Binary(op, left, right) => self.binary(*op, left, right, frame, expr.span),
            Kinds::Equal { positive, total, left, right } => {
                let equal = self.equality(left, right, *total, frame, expr.span)?;
                Ok(Outcome::Data(Data::Bool(equal == *positive)))
            }
            Kinds::Exists(of) if self.exists(of, frame)? => Ok(Outcome::Data(Data::Bool(true))),
            Kinds::Exists(of) => self.fail(Code::Incomplete, "the reference leads to nothing", of.span),
            Kinds::IsBottom(of, equal) => {
                let bottom = self.is_bottom(of, frame)?;
                Ok(Outcome::Data(Data::Bool(bottom == *equal)))
            }
            Kinds::Call(callee, args) => self.evaluate_call(expr, callee, args, frame),
            Kinds::CallValue(of, args) => {
                let callee = self.function_of(of, frame)?;
                self.evaluate_call(expr, &callee, args, frame)
            }
            Kinds::Slice(of, low, high) => self.slice(of, low.as_ref(), high.as_ref(), frame, expr.span),
            Kinds::Unsupported(what) => {
                let error = self.refuse(Code::Unsupported, format!("{what} is not supported"), Some(expr.span));
                Err(Stop::Fail(error))
            }
            _ => self.resolve(expr, frame).map(Outcome::Vertex),
        }
    }

    /// Waits until the value of a vertex is known.
    pub(super) fn value_of(&mut self, vid: Vid) -> Step<()> {
        self.wait(vid, Need::Value)
    }

    /// The literal that an expression gives; defaults are taken.
    ///
    /// # Errors
    /// It is not a literal (yet).
    pub(super) fn scalar(&mut self, expr: &Ex, frame: Frame) -> Step<Data> {
        match self.evaluate(expr, frame)? {
            Outcome::Data(data) => Ok(data),
            Outcome::Vertex(vid) => self.scalar_of(vid, expr.span),
        }
    }

    pub(super) fn scalar_of(&mut self, vid: Vid, span: Span) -> Step<Data> {
        self.wait(vid, Need::Scalar)?;
        let vid = self.default_of(vid);
        if self.is_only_tried(vid) {
            return self.fail(Code::Cycle, "the value depends on itself", span);
        }
        match &self.get(vid).value {
            Value::Scalar(data) => Ok(data.clone()),
            Value::Bottom(error) => Err(Stop::Fail(error.clone())),
            Value::Struct => self.fail(Code::Conflict, "a struct is not a literal", span),
            Value::List => self.fail(Code::Conflict, "a list is not a literal", span),
            Value::Disjunction { .. } | Value::Constraint => Err(Stop::Fail(self.needed(vid, span))),
            Value::Unknown => match (&self.get(vid).node.scalar, self.get(vid).node.errors.first()) {
                (_, Some(error)) => Err(Stop::Fail(error.clone())),
                (Some((data, _)), _) => {
                    let data = data.clone();
                    self.note_early(vid);
                    Ok(data)
                }
                (None, None) => self.fail(Code::Cycle, "the value depends on itself", span),
            },
        }
    }

    /// Any concrete value: literals, and structs and lists of such.
    pub(super) fn concrete(&mut self, expr: &Ex, frame: Frame) -> Step<Data> {
        match self.evaluate(expr, frame)? {
            Outcome::Data(data) => Ok(data),
            Outcome::Vertex(vid) => {
                self.wait(vid, Need::Scalar)?;
                self.data_step(vid, expr.span)
            }
        }
    }

    pub(super) fn data_step(&mut self, vid: Vid, span: Span) -> Step<Data> {
        if matches!(self.get(self.default_of(vid)).value, Value::Unknown) {
            return self.scalar_of(vid, span);
        }
        self.data(vid).map_err(Stop::Fail)
    }

    fn interpolate(&mut self, parts: &[Part], bytes: bool, frame: Frame) -> Step<Data> {
        let mut out: Vec<u8> = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Value(expr) => {
                    let value = self.scalar(expr, frame)?;
                    self.bound_text(out.len(), expr.span)?;
                    match &value {
                        Data::String(text) => out.extend_from_slice(text.as_bytes()),
                        Data::Bytes(text) => out.extend_from_slice(&as_text(text, bytes)),
                        Data::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
                        Data::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
                        other => {
                            let text = format!("{} can't be written into a string", other.kind_name());
                            return self.fail(Code::Conflict, text, expr.span);
                        }
                    }
                }
            }
        }
        if bytes {
            return Ok(Data::Bytes(out.into()));
        }
        Ok(Data::string(String::from_utf8_lossy(&out).into_owned()))
    }

    /// Whether an expression has no value, or none that is concrete. What was found is looked at again in the end.
    fn is_bottom(&mut self, of: &Ex, frame: Frame) -> Step<bool> {
        let bottom = self.find_bottom(of, frame)?;
        if let Some(vid) = self.stack.last().copied() {
            self.relied.push((vid, of.clone(), frame, bottom));
        }
        Ok(bottom)
    }

    fn find_bottom(&mut self, of: &Ex, frame: Frame) -> Step<bool> {
        let vid = match self.evaluate(of, frame) {
            Ok(Outcome::Data(_)) => return Ok(false),
            Ok(Outcome::Vertex(vid)) => vid,
            Err(Stop::Fail(error)) if matches!(error.code, Code::Unsupported | Code::Cycle | Code::Limit) => {
                return Err(Stop::Fail(error));
            }
            Err(Stop::Fail(_)) => return Ok(true),
            Err(blocked) => return Err(blocked),
        };
        self.value_of(vid)?;
        if !self.forced && self.grows_by_condition(vid) {
            self.doubtful = Some(of.span);
        }
        let vid = self.default_of(vid);
        let vertex = self.get(vid);
        Ok(match &vertex.value {
            Value::Bottom(error) if error.code == Code::Cycle => return Err(Stop::Fail(error.clone())),
            Value::Bottom(error) => !(error.code.is_open() && vertex.node.is_struct),
            Value::Unknown if vertex.node.scalar.is_some() => !vertex.node.errors.is_empty(),
            Value::Unknown if vertex.node.is_struct => !vertex.node.errors.is_empty(),
            Value::Unknown | Value::Constraint | Value::Disjunction { .. } => true,
            Value::Scalar(_) | Value::Struct | Value::List => false,
        })
    }

    /// Whether a comprehension whose condition is being looked at may still add to a vertex.
    fn grows_by_condition(&self, vid: Vid) -> bool {
        let mut at = vid;
        while let (Some(parent), Some(label)) = (self.get(at).parent, self.get(at).label) {
            let open = |task: &super::graph::Task| {
                let running = matches!(task.state, super::graph::TaskState::Running | super::graph::TaskState::Blocked);
                let super::graph::Job::Comprehension(comprehension) = &task.job else { return false };
                running && comprehension.labels.as_ref().is_some_and(|labels| labels.contains(&label))
            };
            if self.get(self.deref(parent)).node.tasks.iter().any(open) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// Looks again at what conditions relied on; where it came out otherwise, the vertex is in error.
    pub(super) fn verify(&mut self) {
        let mut at = 0;
        while at < self.relied.len() {
            let (vid, of, frame, found) = self.relied[at].clone();
            let forced = std::mem::replace(&mut self.forced, true);
            let again = self.find_bottom(&of, frame);
            self.forced = forced;
            if !matches!(again, Ok(now) if now == found) {
                let text = "circular dependency in a condition: what it looks at changed after it was looked at";
                let mut error = crate::error::Error::new(Code::Undecided, text, Some(of.span));
                error.path = self.path(vid);
                let vid = self.deref(vid);
                self.v(vid).value = Value::Bottom(std::sync::Arc::new(error));
            }
            at += 1;
        }
        self.relied.clear();
        self.verify_early();
    }

    /// Notes who is shown a literal of which alternatives and bounds are still to be looked at. What waits for other
    /// values may be in a ring: there is no other way then, and CUE goes it, too.
    fn note_early(&mut self, vid: Vid) {
        let vertex = self.get(vid);
        let may_wait = |task: &Task| match &task.job {
            Job::Expr(expr) => !matches!(task.state, TaskState::Done) && may_refer(expr),
            _ => !matches!(task.state, TaskState::Done),
        };
        let waits = vertex.running > 0 || vertex.node.tasks.iter().any(may_wait);
        let asking = self.stack.last().filter(|_| !waits);
        self.early.extend(asking.map(|asking| (*asking, vid)));
    }

    /// Looks again at literals that were shown early.
    fn verify_early(&mut self) {
        while let Some((asking, vid)) = self.early.pop() {
            self.ensure(vid, Need::Value).ok();
            let Some(error) = self.error_of(vid).filter(|error| !error.code.is_open()) else { continue };
            if self.is_left(asking) && self.error_of(asking).is_none() {
                self.from_wrong.get_or_insert(error);
            }
        }
    }

    fn slice(&mut self, of: &Ex, low: Option<&Ex>, high: Option<&Ex>, frame: Frame, span: Span) -> Step<Outcome> {
        let whole = match self.evaluate(of, frame)? {
            Outcome::Data(Data::Bytes(bytes)) => Whole::Bytes(bytes),
            Outcome::Data(data) => self.whole_of(&data, of.span)?,
            Outcome::Vertex(vid) => {
                self.wait(vid, Need::Fields)?;
                if self.kind_of_vertex(vid) == Kind::LIST {
                    Whole::List(self.list_elements(vid, of.span)?)
                } else {
                    let data = self.scalar_of(vid, of.span)?;
                    self.whole_of(&data, of.span)?
                }
            }
        };
        let length = match &whole {
            Whole::Bytes(bytes) => bytes.len(),
            Whole::List(elements) => elements.len(),
        };
        let low = self.slice_end(low, frame, 0)?;
        let high = self.slice_end(high, frame, length)?;
        if low > high || high > length {
            return self.fail(Code::Conflict, format!("slice {low}:{high} is out of range of {length}"), span);
        }
        Ok(match whole {
            Whole::Bytes(bytes) => Outcome::Data(Data::Bytes(bytes[low..high].into())),
            Whole::List(elements) => Outcome::Vertex(self.list_vertex(elements[low..high].to_vec(), span)),
        })
    }

    fn whole_of(&mut self, data: &Data, span: Span) -> Step<Whole> {
        match data {
            Data::Bytes(bytes) => Ok(Whole::Bytes(bytes.clone())),
            Data::List(_) => {
                let list = self.literal_vertex(data.clone(), span);
                Ok(Whole::List(self.list_elements(list, span)?))
            }
            other => self.fail(Code::Conflict, format!("{} can't be sliced", other.kind_name()), span),
        }
    }

    fn slice_end(&mut self, end: Option<&Ex>, frame: Frame, otherwise: usize) -> Step<usize> {
        let Some(expr) = end else { return Ok(otherwise) };
        let data = self.scalar(expr, frame)?;
        let number = match &data {
            Data::Number(number) if number.is_int() => number.to_i64().and_then(|value| usize::try_from(value).ok()),
            _ => None,
        };
        match number {
            Some(number) => Ok(number),
            None => self.fail(Code::Conflict, format!("invalid slice index {}", super::data::brief(&data)), expr.span),
        }
    }

    fn unary(&mut self, op: UnaryOp, data: &Data, span: Span) -> Step<Data> {
        match (op, data) {
            (UnaryOp::Plus, Data::Number(_)) => Ok(data.clone()),
            (UnaryOp::Minus, Data::Number(number)) => Ok(Data::Number(number.neg())),
            (UnaryOp::Not, Data::Bool(value)) => Ok(Data::Bool(!value)),
            _ => {
                let text = format!("invalid operand for {}: {}", op.sign(), data.kind_name());
                self.fail(Code::Conflict, text, span)
            }
        }
    }

    /// A call as a conjunct.
    fn run_call(
        &mut self,
        vid: Vid,
        expr: &Ex,
        callee: &Callee,
        args: &[Ex],
        frame: Frame,
        origin: Origin,
    ) -> Step<()> {
        if super::calls::is_validator(callee, args.len()) {
            self.insert_check_call(vid, callee.clone(), args.to_vec(), frame, expr.span, origin);
            return Ok(());
        }
        match callee {
            Callee::Native(Native::Close) => self.run_close(vid, expr, args, frame, origin),
            Callee::Native(native @ (Native::CloseAll | Native::Reclose)) => match args {
                [of] => self.run_reclose(vid, *native, of, frame, origin),
                _ => self.fail(Code::Conflict, "one argument is needed here", expr.span),
            },
            Callee::Native(Native::And) => self.run_and(vid, expr, args, frame, origin),
            Callee::Native(Native::Or) => self.run_or(vid, expr, args, frame, origin),
            _ => match self.evaluate_call(expr, callee, args, frame)? {
                Outcome::Data(data) => {
                    self.insert_computed(vid, &data, expr, frame, origin);
                    Ok(())
                }
                Outcome::Vertex(from) => {
                    let conjunct = super::graph::Conjunct { origin, ..super::lookup::whole(from, frame) };
                    self.schedule(vid, &conjunct, origin);
                    Ok(())
                }
            },
        }
    }

    /// The number of elements or fields that were counted.
    pub(super) fn count(length: usize) -> Data {
        Data::Number(Number::int(length))
    }

    /// Whether a vertex can only be of these kinds.
    pub(super) fn kind_of_vertex(&self, vid: Vid) -> Kind {
        let vertex = self.get(self.default_of(vid));
        match &vertex.value {
            Value::Scalar(data) => super::insert::kind_of(data),
            Value::Struct => Kind::STRUCT,
            Value::List => Kind::LIST,
            Value::Bottom(_) => Kind::BOTTOM,
            _ => vertex.node.kind,
        }
    }

    /// An expression for a vertex.
    pub(super) fn top(span: Span) -> Ex {
        made(Kinds::Top, span)
    }
}

/// What is sliced.
enum Whole {
    Bytes(std::sync::Arc<[u8]>),
    List(Vec<Vid>),
}

fn as_text(bytes: &[u8], keep: bool) -> Vec<u8> {
    if keep { bytes.to_vec() } else { String::from_utf8_lossy(bytes).into_owned().into_bytes() }
}
