//! The evaluator: a graph of vertices, each with the conjuncts that it must satisfy, worked off lazily.
//!
//! A vertex is asked for what is needed of it ([`run`]): that a field is known, that all its fields are, or its value.
//! Its conjuncts are split ([`schedule`]) into what can be noted at once and into tasks; a task that needs another
//! vertex asks for it. A task that would wait for itself waits until nothing else moves, and is then shown what is
//! known so far. Disjunctions are expanded when all else is done ([`disjunction`]).
//!
//! The design follows CUE's own evaluator in what it decides (which conjuncts, which order of knowledge, typed
//! closedness, cycles by reference), not in how it is written.
//!
//! Not here: names (`compile`), and how a value is written out (`encode`).

mod allowed;
mod arith;
mod bounds;
mod calls;
mod checks;
mod closed;
mod comprehension;
mod cycle;
mod data;
mod defaults;
mod disjunction;
mod equal;
mod existence;
mod graph;
mod handle;
mod insert;
mod laid;
mod lists;
mod lookup;
mod matchers;
mod operand;
mod order;
mod provenance;
mod reclose;
mod report;
mod run;
mod schedule;
mod sort;
mod subsume;
mod verdict;
mod written;

use std::collections::HashMap;
use std::sync::Arc;

use thin_vec::ThinVec;

use crate::compile::ir::{Ex, Presence};
use crate::compile::{Binder, Package};
use crate::error::{Code, Error};
use crate::label::Label;
use crate::source::{FileId, Span};
pub(crate) use graph::Vid;
use graph::{Body, Conjunct, Followed, Frame, FrameData, Origin, Value, Vertex};
pub(crate) use handle::Found;
pub(crate) use written::Home;
pub use written::Style;

/// Bounds on what one evaluation may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Vertices made, at most.
    pub max_vertices: usize,
    /// Vertices that wait for each other, at most: it bounds the stack.
    pub max_depth_vertices: u32,
    /// Pieces of work done, at most.
    pub max_steps: u64,
    /// Alternatives tried for one vertex, at most.
    pub max_alternatives: u64,
    /// References that lead to one conjunct, at most.
    pub max_references: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_vertices: 1_000_000,
            max_depth_vertices: 600,
            max_steps: 3_000_000,
            max_alternatives: 20_000,
            max_references: 400,
        }
    }
}

/// In which order conjuncts, fields and files are worked off. No answer may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they are written.
    Forwards,
    /// The last first.
    Backwards,
}

/// Why something has no value now.
#[derive(Clone, Debug)]
enum Stop {
    /// It waits for a vertex that is at this depth of the stack.
    Blocked(u32),
    /// It has none.
    Fail(Arc<Error>),
}

type Step<T> = Result<T, Stop>;

/// One evaluation: its graph and the means to extend it.
#[derive(Debug)]
pub(crate) struct Evaluator {
    vertices: Vec<Vertex>,
    frames: Vec<FrameData>,
    refs: Vec<Followed>,
    packages: Vec<Package>,
    roots: HashMap<usize, (Vid, Frame)>,
    /// The place of each file among all, by name.
    file_ranks: Vec<u32>,
    pub(crate) binder: Binder,
    stack: Vec<Vid>,
    tree_depth: u32,
    /// The group numbers of closed structs, and which holds which.
    containments: Vec<u32>,
    /// Tasks that wait for running vertices: vertex, task, depth.
    blocked: Vec<(Vid, usize, u32)>,
    /// The task that runs may see vertices as they stand.
    forced: bool,
    /// The references that led to the task that runs.
    origin: Origin,
    /// What conditions found: the vertex, what was looked at, whether it was bottom.
    relied: Vec<(Vid, Ex, Frame, bool)>,
    /// Who was shown a literal before all that is said of it was looked at, and whose literal it was.
    early: Vec<(Vid, Vid)>,
    /// One of them was wrong after all, and who was shown it has a value nevertheless.
    from_wrong: Option<Arc<Error>>,
    /// The matchers that are being decided on, and for what.
    matchers: Vec<(Vid, Span)>,
    /// A field is allowed only because a struct around an embedding is open.
    opened_around: std::cell::Cell<bool>,
    /// A field is allowed only because it is added around an embedding of what closes the struct by itself, too: CUE
    /// allows it in one order of references and not in the other.
    embedded_and_beside: std::cell::Cell<bool>,
    /// Values read for results.
    read: std::cell::Cell<u64>,
    /// Regular expressions that were compared with.
    patterns: crate::pattern::Kept,
    choices: u32,
    renames: u32,
    order: Order,
    /// The package's root is worked out before anything in it is asked for.
    pub(crate) whole_first: bool,
    /// Tasks that were shown things as they stood.
    rings: u32,
    /// One of them was in a disjunction: that could have decided what the others lacked.
    chosen_in_ring: bool,
    /// Disjunctions that are being expanded inside one another.
    expanding: u32,
    alternatives: u64,
    /// A condition looked at what it, or another condition that waits for it, may still change.
    pub(crate) doubtful: Option<Span>,
    steps: u64,
    /// Steps gone to explain values.
    explained: usize,
    limits: Limits,
    /// Something that is not supported was met, or a limit: no result counts.
    refused: Option<Arc<Error>>,
    void: Frame,
}

impl Evaluator {
    pub(crate) fn new(packages: Vec<Package>, binder: Binder, limits: Limits) -> Self {
        let mut evaluator = Self {
            vertices: Vec::new(),
            frames: Vec::new(),
            refs: vec![],
            packages,
            roots: HashMap::new(),
            file_ranks: Vec::new(),
            binder,
            stack: Vec::new(),
            tree_depth: 0,
            containments: vec![0],
            blocked: Vec::new(),
            forced: false,
            origin: Origin::ROOT,
            relied: Vec::new(),
            early: Vec::new(),
            from_wrong: None,
            matchers: Vec::new(),
            opened_around: std::cell::Cell::new(false),
            embedded_and_beside: std::cell::Cell::new(false),
            read: std::cell::Cell::new(0),
            patterns: crate::pattern::Kept::default(),
            choices: 0,
            renames: 0,
            order: Order::Forwards,
            whole_first: true,
            rings: 0,
            chosen_in_ring: false,
            expanding: 0,
            alternatives: 0,
            doubtful: None,
            steps: 0,
            explained: 0,
            limits,
            refused: None,
            void: Frame(0),
        };
        let nowhere = evaluator.add_vertex(Vertex::new(None, None, Presence::Regular));
        evaluator.void = evaluator.add_frame(None, nowhere, None);
        evaluator.refs.push(Followed {
            expression: 0,
            span: Span::new(FileId(u32::MAX), 0, 0),
            target: nowhere,
            from: nowhere,
            tree_depth: 0,
            length: 0,
            next: 0,
        });
        evaluator
    }

    /// The same configuration, nothing of it evaluated.
    pub(crate) fn anew(&self, order: Order, whole_first: bool) -> Self {
        let mut anew = Self::new(self.packages.clone(), self.binder.clone(), self.limits);
        anew.order = order;
        anew.file_ranks.clone_from(&self.file_ranks);
        anew.whole_first = whole_first;
        anew
    }

    /// Whether nothing in a package is wrong, for all that is known.
    pub(crate) fn is_sound(&self, package: usize) -> bool {
        let root = self.roots.get(&package).filter(|_| self.whole_first).map(|(root, _)| self.deref(*root));
        root.is_some_and(|root| !matches!(&self.get(root).value, Value::Bottom(error) if !error.code.is_open()))
    }

    /// Whether something was decided before all that could matter was known.
    pub(crate) fn decided_early(&self) -> bool {
        self.rings > 0
    }

    /// The numbers below a length, in the order of the evaluation.
    fn in_order(&self, from: usize, length: usize) -> impl Iterator<Item = usize> + use<> {
        let backwards = self.order == Order::Backwards;
        (from..length).map(move |at| if backwards { length + from - 1 - at } else { at })
    }

    /// The root of a package, and a frame in which its fields can be named.
    pub(crate) fn root(&mut self, package: usize) -> (Vid, Frame) {
        if let Some(root) = self.roots.get(&package) {
            return *root;
        }
        let root = self.add_vertex(Vertex::new(None, None, Presence::Regular));
        let files = self.packages.get(package).map(|package| package.files.clone()).unwrap_or_default();
        let void = self.void;
        self.v(root).conjuncts = files.into_iter().map(|file| Conjunct::new(file, void, Origin::ROOT)).collect();
        let frame = self.add_frame(None, root, None);
        self.roots.insert(package, (root, frame));
        (root, frame)
    }

    /// A value without a name.
    pub(crate) fn anonymous(&mut self, expr: Ex, frame: Frame) -> Vid {
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.unrooted = true;
        let origin = Origin { refs: self.origin.refs, cycle: self.origin.cycle, ..Origin::ROOT };
        vertex.conjuncts.push(Conjunct::new(expr, frame, origin));
        self.add_vertex(vertex)
    }

    fn v(&mut self, vid: Vid) -> &mut Vertex {
        &mut self.vertices[vid.0 as usize]
    }

    fn get(&self, vid: Vid) -> &Vertex {
        &self.vertices[vid.0 as usize]
    }

    fn frame(&self, frame: Frame) -> &FrameData {
        &self.frames[frame.0 as usize]
    }

    fn add_vertex(&mut self, vertex: Vertex) -> Vid {
        if self.vertices.len() >= self.limits.max_vertices {
            self.refuse(Code::Limit, format!("more than {} values", self.limits.max_vertices), None);
        }
        self.vertices.push(vertex);
        Vid(self.vertices.len() as u32 - 1)
    }

    fn add_frame(&mut self, up: Option<Frame>, vertex: Vid, label: Option<Label>) -> Frame {
        self.frames.push(FrameData { up, vertex, label, structure: None, lets: ThinVec::new() });
        Frame(self.frames.len() as u32 - 1)
    }

    /// The frame some frames up.
    fn up(&self, frame: Frame, up: u32) -> Frame {
        let mut frame = frame;
        for _ in 0..up {
            match self.frame(frame).up {
                Some(next) => frame = next,
                None => break,
            }
        }
        frame
    }

    /// What stands for a vertex now.
    fn deref(&self, vid: Vid) -> Vid {
        let mut vid = vid;
        while let Some(next) = self.get(vid).current {
            vid = next;
        }
        vid
    }

    /// The same, and where defaults leave one alternative, that one.
    fn default_of(&self, vid: Vid) -> Vid {
        let mut vid = self.deref(vid);
        loop {
            match &self.get(vid).value {
                Value::Disjunction { alternatives, defaults: 1 } => vid = self.deref(alternatives[0]),
                _ => return vid,
            }
        }
    }

    /// Ends the evaluation: what was found counts for nothing.
    fn refuse(&mut self, code: Code, message: impl Into<String>, span: Option<Span>) -> Arc<Error> {
        let error = Arc::new(Error::new(code, message, span));
        self.refused.get_or_insert(error).clone()
    }

    /// Refuses what can't be decided here: no wrong value is given.
    pub(crate) fn refuse_cycle(&mut self, span: Option<Span>) {
        self.refuse(Code::Unsupported, "a value that depends on itself in this way is not supported", span);
    }

    /// Refuses an answer that something wrong may have led to.
    pub(crate) fn refuse_from_wrong(&mut self) {
        let Some(error) = self.from_wrong.clone() else { return };
        let text = format!("a value that may come from one that is wrong is not supported: {}", error.message);
        self.refuse(Code::Unsupported, text, error.labels.first().map(|label| label.span));
    }

    pub(crate) fn refused(&self) -> Option<&Arc<Error>> {
        self.refused.as_ref()
    }

    /// The path of a vertex from its root.
    pub(crate) fn path(&self, vid: Vid) -> String {
        let mut labels = Vec::new();
        let mut at = Some(vid);
        while let Some(vertex) = at.map(|vid| self.get(vid)) {
            labels.extend(vertex.label);
            at = vertex.parent;
        }
        labels.reverse();
        self.path_below(String::new(), &labels)
    }

    /// A path with more steps, as `-e` takes it: `a.b[0]."c d"`.
    fn path_below(&self, mut path: String, labels: &[Label]) -> String {
        for label in labels {
            let name = self.label_text(*label);
            match label.as_index() {
                Some(_) => path.extend(["[", &name, "]"]),
                None if path.is_empty() => path = name,
                None => path.extend([".", &name]),
            }
        }
        path
    }

    /// A label as a path shows it.
    fn label_text(&self, label: Label) -> String {
        let name = self.binder.labels.name(label);
        let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let starts = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '$');
        if label.is_regular() && !(starts && name.chars().all(plain)) { format!("{name:?}") } else { name.to_string() }
    }

    fn fail<T>(&self, code: Code, message: impl Into<String>, span: Span) -> Step<T> {
        Err(Stop::Fail(Arc::new(Error::new(code, message, Some(span)))))
    }
}

/// The expression of a conjunct, if it is one.
fn expression(conjunct: &Conjunct) -> Option<&Ex> {
    match &conjunct.body {
        Body::Expr(expr) => Some(expr),
        Body::Vertex(_) | Body::List(..) => None,
    }
}
