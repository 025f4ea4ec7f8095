//! The package `text/tabwriter`: columns that are as wide as they must be.
//!
//! A cell ends with a tab; what follows the last tab of a line is no cell of a column. A column is as wide as the
//! widest of its cells in lines one after another, and one space.

use super::super::arguments::{ANY, MAX_RESULT_LENGTH, Outcome, TEXT, any, bytes};
use super::super::{Builtin, CallError, Package};
use crate::data::Data;

pub(in super::super) static PACKAGE: Package =
    Package { path: "text/tabwriter", functions: &[Builtin::new("Write", &[ANY], TEXT, write)], constants: &[] };

/// The space between columns (characters).
const PADDING: usize = 1;

fn write(args: &[Data]) -> Outcome {
    let text = match any(args, 0)? {
        Data::List(elements) => {
            let lines = (0..elements.len()).map(|at| utf8(elements, at).map(|line| format!("{line}\n")));
            lines.collect::<Result<String, CallError>>()?
        }
        Data::String(_) | Data::Bytes(_) => utf8(args, 0)?.to_owned(),
        other => return Err(CallError::new(format!("unsupported type {}", other.kind_name()))),
    };
    aligned(&text).map(Data::string)
}

fn utf8(values: &[Data], at: usize) -> Result<&str, CallError> {
    std::str::from_utf8(bytes(values, at)?).map_err(|_| CallError::unsupported("bytes that are not UTF-8"))
}

fn aligned(text: &str) -> Result<String, CallError> {
    let mut out = String::new();
    // A form feed ends a line, and all columns.
    let mut parts = text.split('\u{c}').peekable();
    while let Some(part) = parts.next() {
        let mut lines: Vec<Vec<&str>> = part.split('\n').map(|line| line.split(['\t', '\u{b}']).collect()).collect();
        if parts.peek().is_none() {
            drop_unfinished_cell(&mut lines);
        }
        let widths = widths(&lines);
        for (at, (line, widths)) in lines.iter().zip(&widths).enumerate() {
            out.push_str(if at > 0 { "\n" } else { "" });
            let length: usize = widths.iter().sum();
            if out.len().saturating_add(length) > MAX_RESULT_LENGTH {
                return Err(CallError::too_large("texts", MAX_RESULT_LENGTH));
            }
            for (column, cell) in line.iter().enumerate() {
                let width = widths.get(column).copied().unwrap_or(0);
                out.push_str(&format!("{cell:width$}"));
            }
        }
        out.push_str(if parts.peek().is_some() { "\n" } else { "" });
    }
    Ok(out)
}

/// At the end of the text, where no line ends, an empty cell is none: what stands before it is the last one.
fn drop_unfinished_cell(lines: &mut [Vec<&str>]) {
    if let Some(line) = lines.last_mut()
        && line.len() > 1
        && line.last().is_some_and(|cell| cell.is_empty())
    {
        line.pop();
    }
}

/// How wide each cell of each line is to be.
fn widths(lines: &[Vec<&str>]) -> Vec<Vec<usize>> {
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|line| vec![0; line.len() - 1]).collect();
    for first in 0..lines.len() {
        for column in 0..widths[first].len() {
            // The first line of a column's block decides for all of it.
            if first > 0 && widths[first - 1].len() > column {
                continue;
            }
            let block = lines[first..].iter().take_while(|line| line.len() - 1 > column).count();
            let cells = lines[first..first + block].iter().map(|line| line[column].chars().count() + PADDING);
            let width = cells.max().unwrap_or(PADDING);
            widths[first..first + block].iter_mut().for_each(|line| line[column] = width);
        }
    }
    widths
}
