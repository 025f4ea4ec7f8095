//! What is equal, and what comes before what: only values of one type can be compared.

use std::cmp::Ordering;

use super::super::super::CallError;
use super::value::type_name;
use super::wrong;
use crate::data::Data;
use crate::number::Number;

fn incompatible() -> CallError {
    wrong("incompatible types for comparison")
}

/// Whether the first is equal to any of the others.
pub(super) fn equals_any(first: &Data, others: &[Data]) -> Result<bool, CallError> {
    if others.is_empty() {
        return Err(wrong("missing argument for comparison"));
    }
    for other in others {
        if equals(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn equals(left: &Data, right: &Data) -> Result<bool, CallError> {
    match (left, right) {
        (Data::Null, other) | (other, Data::Null) => match other {
            Data::Null => Ok(true),
            _ => Ok(false),
        },
        (Data::Bool(left), Data::Bool(right)) => Ok(left == right),
        (Data::String(left), Data::String(right)) => Ok(left == right),
        (Data::Number(left), Data::Number(right)) => numbers(left, right).map(Ordering::is_eq),
        (other @ (Data::List(_) | Data::Struct(_) | Data::Bytes(_)), _)
        | (_, other @ (Data::List(_) | Data::Struct(_) | Data::Bytes(_))) => {
            Err(wrong(format!("non-comparable type {}", type_name(other))))
        }
        _ => Err(incompatible()),
    }
}

pub(super) fn order(left: &Data, right: &Data) -> Result<Ordering, CallError> {
    match (left, right) {
        (Data::String(left), Data::String(right)) => Ok(left.cmp(right)),
        (Data::Number(left), Data::Number(right)) => numbers(left, right),
        (Data::Bool(_), Data::Bool(_)) => Err(wrong("invalid type for comparison")),
        (Data::Number(_) | Data::String(_) | Data::Bool(_), Data::Number(_) | Data::String(_) | Data::Bool(_)) => {
            Err(incompatible())
        }
        _ => Err(wrong("invalid type for comparison")),
    }
}

/// Two integers, or two floats, which are binary ones.
fn numbers(left: &Number, right: &Number) -> Result<Ordering, CallError> {
    match (left.is_int(), right.is_int()) {
        (true, true) if left.to_i64().is_some() && right.to_i64().is_some() => Ok(left.compare(right)),
        (true, true) => Err(CallError::unsupported("comparing integers of more than 64 bits in a template")),
        (false, false) => left.to_f64().partial_cmp(&right.to_f64()).ok_or_else(incompatible),
        _ => Err(incompatible()),
    }
}
