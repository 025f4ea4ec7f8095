//! The package `list`, as far as it works on concrete data.
//!
//! Not here: `Sort`, `SortStable`, `IsSorted` (their comparator is CUE), and the validators of open lists (`MinItems`,
//! `MaxItems`, `UniqueItems`, `MatchN`): those are in `eval::calls`.

use std::cmp::Ordering;

use super::arguments::{
    ANY, BOOL, INT, LIST, MAX_LIST_LENGTH, NUMBER, Outcome, any, integer, list, number, numbers, size, strings, texts,
    too_long, whole_if_possible,
};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;
use crate::number::{Number, NumberError};

/// The largest count that `list.Repeat` takes.
const MAX_REPEAT_COUNT: usize = 1_000_000;

pub(super) static PACKAGE: Package = Package {
    path: "list",
    functions: &[
        Builtin::new("Drop", &[LIST, INT], LIST, drop_first),
        Builtin::new("FlattenN", &[ANY, INT], LIST, flatten),
        Builtin::new("Repeat", &[LIST, INT], LIST, repeat),
        Builtin::new("Concat", &[LIST], LIST, concat),
        Builtin::new("Take", &[LIST, INT], LIST, take_first),
        Builtin::new("Slice", &[LIST, INT, INT], LIST, slice),
        Builtin::new("Reverse", &[LIST], LIST, |args| Ok(Data::List(list(args, 0)?.iter().rev().cloned().collect()))),
        Builtin::new("Contains", &[LIST, ANY], BOOL, contains),
        Builtin::new("Avg", &[LIST], NUMBER, average),
        Builtin::new("Max", &[LIST], NUMBER, |args| extreme(args, Ordering::Greater)),
        Builtin::new("Min", &[LIST], NUMBER, |args| extreme(args, Ordering::Less)),
        Builtin::new("Product", &[LIST], NUMBER, |args| folded(args, 1, Number::mul)),
        Builtin::new("Sum", &[LIST], NUMBER, |args| folded(args, 0, Number::add)),
        Builtin::new("Range", &[NUMBER, NUMBER, NUMBER], LIST, range),
        Builtin::new("SortStrings", &[LIST], LIST, sort_strings),
        Builtin::new("IsSortedStrings", &[LIST], BOOL, |args| Ok(Data::Bool(texts(args, 0)?.is_sorted()))),
    ],
    constants: &[
        Constant { name: "Comparer", cue: "{T: _, x: T, y: T, less: bool}" },
        Constant { name: "Ascending", cue: "{T: number | string, x: T, y: T, less: true && x < y}" },
        Constant { name: "Descending", cue: "{T: number | string, x: T, y: T, less: x > y}" },
    ],
};

fn negative_index() -> CallError {
    CallError::new("negative index")
}

fn drop_first(args: &[Data]) -> Outcome {
    let count = size(args, 1)?.ok_or_else(negative_index)?;
    Ok(Data::List(list(args, 0)?.iter().skip(count).cloned().collect()))
}

fn take_first(args: &[Data]) -> Outcome {
    let count = size(args, 1)?.ok_or_else(negative_index)?;
    Ok(Data::List(list(args, 0)?.iter().take(count).cloned().collect()))
}

fn slice(args: &[Data]) -> Outcome {
    let (start, end) = (integer(args, 1)?, integer(args, 2)?);
    if start < 0 {
        return Err(negative_index());
    }
    if start > end {
        return Err(CallError::new(format!("invalid index: {start} > {end}")));
    }
    let elements = list(args, 0)?.get(start as usize..end as usize);
    elements.map(|elements| Data::List(elements.to_vec())).ok_or_else(|| CallError::new("slice bounds out of range"))
}

fn flatten(args: &[Data]) -> Outcome {
    let Data::List(elements) = any(args, 0)? else {
        return Err(CallError::new(format!("a list is needed, not a value of type {}", any(args, 0)?.kind_name())));
    };
    let mut flat = Vec::new();
    flatten_into(&mut flat, elements, integer(args, 1)?);
    Ok(Data::List(flat))
}

/// Adds the elements, lists among them opened down to `depth` levels, or all for a negative one. Data's own depth is
/// bounded, and so is this recursion.
fn flatten_into(flat: &mut Vec<Data>, elements: &[Data], depth: i64) {
    for element in elements {
        match element {
            Data::List(inner) if depth != 0 => flatten_into(flat, inner, depth.saturating_sub(1)),
            other => flat.push(other.clone()),
        }
    }
}

fn repeat(args: &[Data]) -> Outcome {
    let count = size(args, 1)?.ok_or_else(|| CallError::new("negative count"))?;
    if count > MAX_REPEAT_COUNT {
        return Err(CallError::new(format!("count {count} exceeds limit of {MAX_REPEAT_COUNT}")));
    }
    let elements = list(args, 0)?;
    if elements.len() * count > MAX_LIST_LENGTH {
        return Err(too_long());
    }
    let length = elements.len() * count;
    Ok(Data::List(elements.iter().cycle().take(length).cloned().collect()))
}

fn concat(args: &[Data]) -> Outcome {
    let mut all = Vec::new();
    for (index, element) in list(args, 0)?.iter().enumerate() {
        let Data::List(elements) = element else {
            let kind = element.kind_name();
            return Err(CallError::new(format!("element {index} must be a list, not a value of type {kind}")));
        };
        all.extend_from_slice(elements);
    }
    Ok(Data::List(all))
}

fn contains(args: &[Data]) -> Outcome {
    let wanted = any(args, 1)?;
    Ok(Data::Bool(list(args, 0)?.iter().any(|element| element == wanted)))
}

fn average(args: &[Data]) -> Outcome {
    let numbers = numbers(args, 0)?;
    let sum = fold_floats(&numbers, 0, Number::add)?;
    match numbers.len() {
        0 => Err(CallError::new("empty list")),
        count => Ok(whole_if_possible(&sum.divide(&Number::int(count))?)),
    }
}

fn extreme(args: &[Data], side: Ordering) -> Outcome {
    let numbers = numbers(args, 0)?;
    let (first, rest) = numbers.split_first().ok_or_else(|| CallError::new("empty list"))?;
    let mut best: &Number = first;
    for number in rest {
        if number.compare(best) == side {
            best = number;
        }
    }
    Ok(whole_if_possible(best))
}

type Operator = fn(&Number, &Number) -> Result<Number, NumberError>;

fn folded(args: &[Data], start: i64, operator: Operator) -> Outcome {
    Ok(whole_if_possible(&fold_floats(&numbers(args, 0)?, start, operator)?))
}

/// Computed as floats, of 34 digits, integers or not: that is how the package does it.
fn fold_floats(numbers: &[&Number], start: i64, operator: Operator) -> Result<Number, NumberError> {
    let start = Number::int(start).into_float();
    numbers.iter().try_fold(start, |result, number| operator(&result, number))
}

fn range(args: &[Data]) -> Outcome {
    let (start, limit, step) = (number(args, 0)?, number(args, 1)?, number(args, 2)?);
    if step.is_zero() {
        return Err(CallError::new("step must be non zero"));
    }
    let (beyond, side, sign) = match step.is_negative() {
        false => (Ordering::Greater, "greater", "positive"),
        true => (Ordering::Less, "less", "negative"),
    };
    if start.compare(limit) == beyond {
        return Err(CallError::new(format!("end must be {side} than start when step is {sign}")));
    }
    let mut elements = Vec::new();
    let mut next = start.clone();
    while next.compare(limit) == beyond.reverse() {
        elements.push(whole_if_possible(&next));
        let after = step.clone().into_float().add(&next)?;
        if elements.len() >= MAX_LIST_LENGTH || after == next {
            return Err(too_long());
        }
        next = after;
    }
    Ok(Data::List(elements))
}

fn sort_strings(args: &[Data]) -> Outcome {
    let mut texts = texts(args, 0)?;
    texts.sort_unstable();
    Ok(strings(texts))
}
