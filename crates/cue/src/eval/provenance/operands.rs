//! The references that an expression was computed from, those in lists and comprehensions too, with the frames that they
//! stand in.
//!
//! Not here: where they lead.

use super::super::Evaluator;
use super::super::graph::Frame;
use crate::compile::ir::{Clause, Comprehension, Ex, Item, Kinds, Part};

impl Evaluator {
    /// The references in an expression, from left to right.
    pub(super) fn operands(&mut self, expr: &Ex, frame: Frame, found: &mut Vec<(Ex, Frame)>) {
        match &expr.kind {
            _ if expr.kind.is_reference() => found.push((expr.clone(), frame)),
            Kinds::Interpolation(parts, _) => {
                for part in parts {
                    if let Part::Value(value) = part {
                        self.operands(value, frame, found);
                    }
                }
            }
            Kinds::Unary(_, of) | Kinds::IsBottom(of, _) | Kinds::Slice(of, ..) => self.operands(of, frame, found),
            Kinds::Binary(_, left, right) | Kinds::Boolean { left, right, .. } | Kinds::Equal { left, right, .. } => {
                self.operands(left, frame, found);
                self.operands(right, frame, found);
            }
            Kinds::Call(_, args) | Kinds::CallValue(_, args) => {
                args.iter().for_each(|arg| self.operands(arg, frame, found));
            }
            Kinds::List(list) => {
                let frame = self.frame_without_names(frame);
                for item in &list.elements {
                    match item {
                        Item::Value(value) => self.operands(value, frame, found),
                        Item::Comprehension(comprehension) => self.sources(comprehension, frame, found),
                    }
                }
            }
            _ => {}
        }
    }

    /// What a comprehension goes through, and what it asks; its own variables come from there.
    fn sources(&mut self, comprehension: &Comprehension, frame: Frame, found: &mut Vec<(Ex, Frame)>) {
        let mut frame = frame;
        for clause in &comprehension.clauses {
            match clause {
                Clause::For { source, .. } => {
                    self.operands(source, frame, found);
                    frame = self.frame_without_names(frame);
                }
                Clause::If(condition) => self.operands(condition, frame, found),
                Clause::Let { value, .. } => {
                    self.operands(value, frame, found);
                    frame = self.frame_without_names(frame);
                }
                Clause::Try { .. } => return,
            }
        }
        let Kinds::Struct(body) = &comprehension.body.kind else { return };
        let frame = self.frame_without_names(frame);
        for decl in &body.decls {
            if let crate::compile::ir::Decl::Embed(value) = decl {
                self.operands(value, frame, found);
            }
        }
    }

    /// A frame that only counts: references to what it would hold lead nowhere.
    fn frame_without_names(&mut self, up: Frame) -> Frame {
        let vertex = self.frame(self.void).vertex;
        self.add_frame(Some(up), vertex, None)
    }
}
