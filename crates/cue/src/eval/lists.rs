//! Lists of elements that need not be concrete: taking them apart, and functions that only move elements.
//!
//! Not here: list literals (`insert`), sorting (`sort`).

use super::graph::{Body, Conjunct, Frame, Origin, Vertex, Vid};
use super::operand::Outcome;
use super::run::Need;
use super::{Evaluator, Step, Stop};
use crate::compile::ir::{Ex, Presence};
use crate::data::Data;
use crate::error::Code;
use crate::kind::Kind;
use crate::source::Span;

/// The longest list that repeating may make.
const MAX_ELEMENTS: usize = 1_000_000;

impl Evaluator {
    /// Functions that only move elements work on elements that aren't concrete, too, and keep all of structs: hidden
    /// fields, definitions, that they are closed. `None`: all is plain data, or it is none of these functions.
    pub(super) fn rearranged(&mut self, name: &str, args: &[Ex], frame: Frame) -> Step<Option<Vec<Vid>>> {
        let moves =
            ["list.Concat", "list.FlattenN", "list.Repeat", "list.Take", "list.Drop", "list.Slice", "list.Reverse"];
        let (true, Some((first, rest))) = (moves.contains(&name), args.split_first()) else { return Ok(None) };
        match self.concrete(first, frame) {
            Err(Stop::Fail(error)) if error.code == Code::Incomplete => {}
            Err(stop) => return Err(stop),
            Ok(data) if has_struct(&data) => {}
            Ok(_) => return Ok(None),
        }
        let mut elements = self.elements_of(first, frame)?;
        if let ("list.FlattenN", [depth]) = (name, rest) {
            let depth = self.whole(depth, frame)?.to_i64();
            return self.flattened(elements, depth, first.span).map(Some);
        }
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

    /// The elements, with those that are lists replaced by their own, down to a depth in lists; -1 and `None` are all
    /// the way.
    fn flattened(&mut self, elements: Vec<Vid>, depth: Option<i64>, span: Span) -> Step<Vec<Vid>> {
        let mut flat = Vec::with_capacity(elements.len());
        for element in elements {
            self.wait(element, Need::Scalar)?;
            if depth == Some(0) || self.kind_of_vertex(element) != Kind::LIST {
                flat.push(element);
                continue;
            }
            let inner = self.list_elements(element, span)?;
            let deeper = depth.map(|depth| if depth > 0 { depth - 1 } else { depth });
            flat.extend(self.flattened(inner, deeper, span)?);
        }
        Ok(flat)
    }

    pub(super) fn list_vertex(&mut self, elements: Vec<Vid>, span: Span) -> Vid {
        let mut vertex = Vertex::new(None, None, Presence::Regular);
        vertex.unrooted = true;
        let body = Body::List(elements.into(), span);
        vertex.conjuncts.push(Conjunct { body, frame: self.void, origin: Origin::ROOT });
        self.add_vertex(vertex)
    }

    /// The elements of the list that a function was given.
    pub(super) fn elements_of(&mut self, list: &Ex, frame: Frame) -> Step<Vec<Vid>> {
        let vid = match self.evaluate(list, frame)? {
            Outcome::Vertex(vid) => vid,
            Outcome::Data(data) => self.literal_vertex(data, list.span),
        };
        self.list_elements(vid, list.span)
    }

    pub(super) fn list_elements(&mut self, vid: Vid, span: Span) -> Step<Vec<Vid>> {
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
        Ok(self.elements_in_order(vid))
    }

    /// The elements of a list, the first first.
    pub(super) fn elements_in_order(&self, vid: Vid) -> Vec<Vid> {
        let arcs = self.get(vid).arcs.iter();
        let mut elements: Vec<(u32, Vid)> = arcs.filter_map(|(label, arc)| Some((label.as_index()?, *arc))).collect();
        elements.sort_by_key(|(index, _)| *index);
        elements.into_iter().map(|(_, arc)| arc).collect()
    }
}

fn has_struct(data: &Data) -> bool {
    match data {
        Data::Struct(_) => true,
        Data::List(items) => items.iter().any(has_struct),
        _ => false,
    }
}
