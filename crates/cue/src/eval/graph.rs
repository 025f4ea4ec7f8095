//! The graph: vertices, the conjuncts that make them, and the frames that names are looked up in.
//!
//! Not here: how a vertex comes to its value.

use std::sync::Arc;

use indexmap::IndexMap;
use thin_vec::ThinVec;

pub(crate) use super::laid::{Laid, Laying};
use crate::compile::ir::{self, Ex, Presence};
use crate::data::Data;
use crate::error::Error;
use crate::hash::ByNumber;
use crate::kind::Kind;
use crate::label::Label;
use crate::source::Span;

/// Lists shorter than this get room for each item as it comes: most of a vertex's lists hold one or two.
const TIGHT_ITEMS_MAX: usize = 4;

/// Adds to a list that will mostly stay short.
pub(crate) fn push_tight<T>(list: &mut ThinVec<T>, item: T) {
    if list.len() == list.capacity() && list.len() < TIGHT_ITEMS_MAX {
        list.reserve_exact(1);
    }
    list.push(item);
}

/// A vertex, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Vid(pub u32);

/// A frame, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frame(pub u32);

/// What a name is looked up in: a vertex, a label, the `let`s of a struct.
#[derive(Debug)]
pub(crate) struct FrameData {
    pub up: Option<Frame>,
    pub vertex: Vid,
    pub label: Option<Label>,
    pub structure: Option<Arc<ir::Struct>>,
    /// The vertices of its `let`s, by number and by what stood for the frame's vertex.
    pub lets: ThinVec<(u32, Vid, Vid)>,
}

/// How a conjunct stands to cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cycle {
    /// No cycle seen.
    No,
    /// It stands in an optional field, a pattern or a disjunction: a cycle may still end.
    Optional,
    /// A cycle was seen where one may still end.
    Maybe,
    /// It is part of a cycle.
    Yes,
}

/// Where a conjunct comes from: which closed structs it belongs to, and which references led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The innermost group (see `closed`); 0 is none.
    pub group: u32,
    /// The embedding around it.
    pub embed: u32,
    /// The struct around its embeddings.
    pub outer: u32,
    pub from_definition: bool,
    pub from_embed: bool,
    /// It came through `x...`.
    pub opened: bool,
    pub cycle: Cycle,
    /// The references that led here, newest first, in `Evaluator::refs`; 0 is none.
    pub refs: u32,
}

impl Origin {
    pub(crate) const ROOT: Self = Self {
        group: 0,
        embed: 0,
        outer: 0,
        from_definition: false,
        from_embed: false,
        opened: false,
        cycle: Cycle::No,
        refs: 0,
    };
}

/// A reference that was followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    /// The place of the expression in memory: it tells one reference from another.
    pub expression: usize,
    pub target: Vid,
    /// Where it is written.
    pub span: Span,
    /// The vertex that it was a conjunct of.
    pub from: Vid,
    pub tree_depth: u32,
    /// How many were followed before it.
    pub length: u32,
    pub next: u32,
}

/// What a conjunct says.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// An expression.
    Expr(Ex),
    /// All that a vertex says.
    Vertex(Vid),
    /// A closed list of what these vertices say.
    List(Arc<[Vid]>, Span),
}

/// One of the things that a vertex must satisfy.
#[derive(Clone, Debug)]
pub(crate) struct Conjunct {
    pub body: Body,
    pub frame: Frame,
    pub origin: Origin,
}

impl Conjunct {
    pub(crate) fn new(expr: Ex, frame: Frame, origin: Origin) -> Self {
        Self { body: Body::Expr(expr), frame, origin }
    }

    /// Whether it says the same as another, for the same groups.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let body = match (&self.body, &other.body) {
            (Body::Expr(a), Body::Expr(b)) => Arc::ptr_eq(a, b),
            (Body::Vertex(a), Body::Vertex(b)) => a == b,
            (Body::List(a, _), Body::List(b, _)) => a == b,
            _ => false,
        };
        body && self.frame == other.frame && self.origin.group == other.origin.group
    }
}

/// How far a vertex is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Nothing of it was looked at.
    New,
    /// Its conjuncts are being worked off.
    Open,
    /// Its own conjuncts are known; its fields may not be.
    Fields,
    /// It is known, with all below it.
    Done,
}

/// What a vertex is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Not known yet.
    Unknown,
    /// A literal.
    Scalar(Data),
    /// Fields.
    Struct,
    /// Elements.
    List,
    /// A kind, bounds, checks: not concrete.
    Constraint,
    /// One of several; the first `defaults` are the defaults.
    Disjunction { alternatives: Vec<Vid>, defaults: usize },
    /// A contradiction, or something missing.
    Bottom(Arc<Error>),
}

/// A bound on scalars.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub op: ir::UnaryOp,
    pub value: Data,
    pub span: Span,
}

/// A check that waits for the value to be concrete.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    /// `!=x`, `=~x`, `!~x`
    Bound(Bound),
    /// A function with one argument missing.
    Call { callee: ir::Callee, args: Vec<Ex>, frame: Frame, span: Span },
}

/// A pattern and what fields that fit it are.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub pattern: Ex,
    pub frame: Frame,
    pub value: Ex,
    pub origin: Origin,
    /// For the tails of lists: elements from this index on.
    pub from_index: Option<u32>,
}

/// Work on a vertex.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    Resolve(Ex),
    Expr(Ex),
    Comprehension(Arc<ir::Comprehension>),
    Dynamic { label: Ex, presence: Presence, value: Ex },
    Pattern { pattern: Ex, value: Ex },
    List(Arc<ir::List>, Span),
}

/// How far a piece of work is.
#[derive(Clone, Debug)]
pub(crate) enum TaskState {
    /// Not tried, or to be tried again.
    Waiting,
    Running,
    /// It waits for a vertex that waits for it.
    Blocked,
    /// Something is missing.
    Incomplete(Arc<Error>),
    Done,
}

/// A piece of work, its surroundings, and how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub job: Job,
    pub frame: Frame,
    pub origin: Origin,
    pub state: TaskState,
    /// It may see vertices as they stand, as waiting for them would be waiting for itself.
    pub forced: bool,
}

impl Task {
    /// Whether the work may add this field.
    pub(crate) fn may_add(&self, label: Label) -> bool {
        match &self.job {
            Job::Comprehension(comprehension) => {
                comprehension.labels.as_ref().is_none_or(|labels| labels.contains(&label))
            }
            _ => true,
        }
    }
}

/// A disjunction that waits to be expanded.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Unique in the evaluation, and more than 0.
    pub number: u32,
    /// The disjunction in an alternative of which it stands; 0 is none.
    pub parent: u32,
    pub alternatives: Vec<(Conjunct, DefaultMode)>,
    pub span: Span,
}

/// What was picked in one disjunction.
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    pub number: u32,
    pub parent: u32,
    /// The index of the alternative.
    pub alternative: usize,
    pub mode: DefaultMode,
}

/// What was picked in all disjunctions that led to an alternative.
pub(crate) type Way = Vec<Pick>;

/// Whether an alternative is a default. The order matters: what is later wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DefaultMode {
    /// Nothing was marked.
    Maybe,
    /// Marked.
    Yes,
    /// Another one was marked.
    No,
}

/// What was gathered of a vertex so far.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    pub kind_sources: ThinVec<(Kind, Span)>,
    pub scalar: Option<(Data, Span)>,
    pub lower: Option<Box<Bound>>,
    pub upper: Option<Box<Bound>>,
    pub checks: ThinVec<Check>,
    pub tasks: ThinVec<Task>,
    pub choices: ThinVec<Choice>,
    pub patterns: ThinVec<Pattern>,
    /// The structs that make it, in the order in which they came.
    pub laid: ThinVec<Laid>,
    pub list: ListState,
    pub errors: ThinVec<Arc<Error>>,
    pub has_top: bool,
    /// It has a struct literal.
    pub has_struct: bool,
    /// It has a regular field, or a struct without embeddings: it can be nothing but a struct.
    pub is_struct: bool,
    pub ellipsis: bool,
    pub followers: ThinVec<(Vid, Origin)>,
    pub taken: ThinVec<Vid>,
    pub closing: super::closed::Closing,
    pub cycles: super::cycle::Cycles,
    /// What was opened in it with `...`.
    pub opened: super::reclose::Opened,
    /// For an alternative: the ways that led to it.
    pub ways: ThinVec<Way>,
    /// For an alternative: what was chosen on the way to it, and as what.
    pub chosen: ThinVec<(Conjunct, DefaultMode)>,
    /// What lists and structs were computed from, that it is or holds.
    pub computed: ThinVec<(Ex, Frame)>,
    /// What could not be chosen here, and why.
    pub fallen: ThinVec<(Conjunct, Arc<Error>)>,
    /// It is a function, not called yet.
    pub function: Option<Box<ir::Callee>>,
    /// Somebody relied on its set of fields as it is.
    pub fields_seen: bool,
}

/// What is known of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListState {
    pub is_list: bool,
    /// No more elements than `length`.
    pub closed: bool,
    pub length: u32,
    pub span: Option<Span>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            kind: Kind::TOP,
            kind_sources: ThinVec::new(),
            scalar: None,
            lower: None,
            upper: None,
            checks: ThinVec::new(),
            tasks: ThinVec::new(),
            choices: ThinVec::new(),
            patterns: ThinVec::new(),
            laid: ThinVec::new(),
            list: ListState::default(),
            errors: ThinVec::new(),
            has_top: false,
            has_struct: false,
            is_struct: false,
            ellipsis: false,
            followers: ThinVec::new(),
            taken: ThinVec::new(),
            closing: super::closed::Closing::default(),
            cycles: super::cycle::Cycles::default(),
            opened: super::reclose::Opened::default(),
            ways: ThinVec::new(),
            chosen: ThinVec::new(),
            computed: ThinVec::new(),
            fallen: ThinVec::new(),
            function: None,
            fields_seen: false,
        }
    }
}

/// A field, an element, the root, or a value without a name.
#[derive(Debug)]
pub(crate) struct Vertex {
    pub parent: Option<Vid>,
    pub label: Option<Label>,
    pub presence: Presence,
    pub conjuncts: ThinVec<Conjunct>,
    pub arcs: IndexMap<Label, Vid, ByNumber>,
    pub status: Status,
    pub node: Box<Node>,
    pub value: Value,
    /// The vertex that stands for this one: the alternative that is being tried, or that was left.
    pub current: Option<Vid>,
    /// It is an alternative that is being tried.
    pub tentative: bool,
    /// What it is a copy of.
    pub copied_from: Option<Vid>,
    /// How deep in the stack of running vertices it is; 0 is not running.
    pub running: u32,
    pub tree_depth: u32,
    /// It is, or is part of, a definition.
    pub closed_recursive: bool,
    /// It came from `close()`.
    pub closed_once: bool,
    /// It has no path from the root.
    pub unrooted: bool,
}

impl Vertex {
    pub(crate) fn new(parent: Option<Vid>, label: Option<Label>, presence: Presence) -> Self {
        Self {
            parent,
            label,
            presence,
            conjuncts: ThinVec::new(),
            arcs: IndexMap::default(),
            status: Status::New,
            node: Box::default(),
            value: Value::Unknown,
            current: None,
            tentative: false,
            copied_from: None,
            running: 0,
            tree_depth: 0,
            closed_recursive: false,
            closed_once: false,
            unrooted: false,
        }
    }

    pub(crate) fn is_definition(&self) -> bool {
        self.label.is_some_and(Label::is_definition)
    }
}
