//! A tree beside its shape: everything that doesn't fit. Not here: the shapes (`shape`), lines (`place`).

use serde_json::{Map, Value};

use crate::{
    fault::Fault,
    field::Field,
    shape::{Bounds, Member, Parsed, Shape, Table},
    show,
    suggest::{either, nearest},
};

/// Everything in `value` that doesn't fit `shape`. Null fits everywhere: in a layer it takes a value away.
pub(crate) fn faults(shape: &Shape, value: &Value, field: &Field) -> Vec<Fault> {
    let mut walk = Walk { faults: Vec::new() };
    walk.value(shape, value, field, None);
    walk.faults
}

struct Walk {
    faults: Vec<Fault>,
}

impl Walk {
    fn value(&mut self, shape: &Shape, value: &Value, field: &Field, default: Option<&Value>) {
        match (shape, value) {
            (Shape::Any, _) | (_, Value::Null) => {}
            (Shape::Text, Value::String(_)) | (Shape::Flag, Value::Bool(_)) => {}
            (Shape::Words(words), Value::String(word)) => self.word(words, word, field),
            (Shape::Whole(bounds), Value::Number(number)) if !number.is_f64() => self.range(bounds, value, field),
            (Shape::Number(bounds), Value::Number(_)) => self.range(bounds, value, field),
            (Shape::List(item), Value::Array(items)) => {
                for (at, value) in items.iter().enumerate() {
                    self.value(item, value, &field.index(at), None);
                }
            }
            (Shape::Map(shape), Value::Object(map)) => {
                for (key, value) in map {
                    self.value(shape, value, &field.key(key), None);
                }
            }
            (Shape::Table(table), Value::Object(map)) => self.table(table, map, field),
            (Shape::Parsed(parsed), _) => self.parsed(*parsed, shape, value, field, default),
            (Shape::Either(branches), _) => self.either(branches, shape, value, field, default),
            _ => self.wrong_type(shape, value, field, default),
        }
    }

    fn table(&mut self, table: &Table, map: &Map<String, Value>, field: &Field) {
        for (key, value) in map {
            match table.member(key) {
                Some(member) => self.value(&member.shape, value, &field.key(key), member.default.as_ref()),
                None => self.unknown_key(table, map, key, field),
            }
        }
        for member in table.members.iter().filter(|member| member.required && !map.contains_key(&member.name)) {
            self.missing(member, field);
        }
    }

    fn unknown_key(&mut self, table: &Table, map: &Map<String, Value>, key: &str, field: &Field) {
        let at = field.key(key);
        let free = table.names().filter(|name| !map.contains_key(*name));
        let mut fault = if let Some(meant) = nearest(key, free).or_else(|| nearest(key, table.names())) {
            let message = format!("unknown key `{key}`: did you mean `{meant}`?");
            let fault = Fault::new(&at, message, format!("write `{meant}` instead of `{key}`"));
            Fault { meant: Some(field.key(meant)), ..fault }
        } else if let Some(home) = home_of(table, key) {
            let message = format!("unknown key `{key}`: it belongs into `{home}`");
            Fault::new(&at, message, format!("write `{home} = {{ {key} = … }}`"))
        } else {
            Fault::new(&at, format!("unknown key `{key}`"), "remove it, or move it to where it belongs".into())
        };
        fault.details = Some(format!("known here: {}", either(table.names())));
        self.faults.push(fault);
    }

    fn missing(&mut self, member: &Member, field: &Field) {
        let at = field.key(&member.name);
        // What was meant is not missing.
        if self.faults.iter().any(|fault| fault.meant.as_ref() == Some(&at)) {
            return;
        }
        let place = if field.segments().is_empty() { "the file".into() } else { format!("`{field}`") };
        let message = format!("`{}` is missing in {place}", member.name);
        let recommendation = format!("add {}", show::example(&member.name, &member.shape, None));
        self.faults.push(Fault::new(&at, message, recommendation));
    }

    fn word(&mut self, words: &[String], word: &str, field: &Field) {
        if words.iter().any(|known| known == word) {
            return;
        }
        let label = field.label();
        let known = || words.iter().map(String::as_str);
        let may_be = format!("it may be {}", either(known()));
        let (message, recommendation) = match nearest(word, known()) {
            Some(meant) => (
                format!("`{label}` is `{word}`: did you mean `{meant}`?"),
                format!("write `{}`; {may_be}", show::assignment(&label, &Value::from(meant))),
            ),
            None => (format!("`{label}` is `{word}`: {may_be}"), format!("write one of {}", either(known()))),
        };
        self.faults.push(Fault::new(field, message, recommendation));
    }

    fn range(&mut self, bounds: &Bounds, value: &Value, field: &Field) {
        let number = value.as_f64().unwrap_or(f64::NAN);
        let bound = |bound: &Option<serde_json::Number>| bound.as_ref().and_then(serde_json::Number::as_f64);
        let low = bound(&bounds.min).is_some_and(|min| number < min);
        let high = bound(&bounds.max).is_some_and(|max| number > max);
        if !low && !high {
            return;
        }
        let must = match (&bounds.min, &bounds.max) {
            (Some(min), Some(max)) => format!("must be from {min} to {max}"),
            (Some(min), None) => format!("must be {min} or more"),
            (None, Some(max)) => format!("must be {max} or less"),
            (None, None) => return,
        };
        let label = field.label();
        let nearest = if low { &bounds.min } else { &bounds.max };
        let nearest = nearest.clone().map_or(Value::Null, Value::Number);
        let recommendation = format!("for instance `{}`", show::assignment(&label, &nearest));
        self.faults.push(Fault::new(field, format!("`{label}` is {value}: it {must}"), recommendation));
    }

    fn parsed(&mut self, parsed: Parsed, shape: &Shape, value: &Value, field: &Field, default: Option<&Value>) {
        match (parsed.read)(value) {
            Ok(()) => {}
            Err(reason) if reason.is_empty() => self.wrong_type(shape, value, field, default),
            Err(reason) => {
                let label = field.label();
                let recommendation = format!("for instance `{label} = {}`", parsed.example);
                self.faults.push(Fault::new(field, format!("`{label}`: {reason}"), recommendation));
            }
        }
    }

    fn wrong_type(&mut self, shape: &Shape, value: &Value, field: &Field, default: Option<&Value>) {
        let label = field.label();
        let message = format!("`{label}` is {}: it must be {}", show::what_is(value), show::what_may_be(shape));
        let example = match (shape, value) {
            // A value that only lacks its quotes keeps its sense.
            (Shape::Text, Value::Number(_) | Value::Bool(_)) => {
                format!("`{}`", show::assignment(&label, &Value::from(value.to_string())))
            }
            _ => show::example(&label, shape, default),
        };
        self.faults.push(Fault::new(field, message, format!("for instance {example}")));
    }

    /// Reports what is wrong with the branch that was probably meant.
    fn either(&mut self, branches: &[Shape], shape: &Shape, value: &Value, field: &Field, default: Option<&Value>) {
        if let Value::Object(map) = value {
            let tables: Vec<&Table> = branches.iter().filter_map(as_table).collect();
            if !tables.is_empty() {
                return self.tagged(&tables, map, field);
            }
        }
        let tried = branches.iter().map(|branch| faults(branch, value, field));
        match branches
            .iter()
            .zip(tried)
            .filter(|(branch, _)| show::same_type(branch, value))
            .min_by_key(|(_, f)| f.len())
        {
            Some((_, found)) => self.faults.extend(found),
            None => self.wrong_type(shape, value, field, default),
        }
    }

    /// Tables told apart by a key with a fixed word.
    fn tagged(&mut self, tables: &[&Table], map: &Map<String, Value>, field: &Field) {
        let Some((tag, words)) = tag_of(tables) else { return };
        let at = field.key(&tag.name);
        match map.get(&tag.name) {
            Some(Value::String(word)) => match words.iter().position(|known| known == word) {
                Some(chosen) => self.table(tables[chosen], map, field),
                None => self.word(&words, word, &at),
            },
            Some(other) => self.wrong_type(&Shape::Words(words), other, &at, None),
            None if tag.required => self.missing(&Member { shape: Shape::Words(words), ..tag.clone() }, field),
            // It is laid over a table that has the tag; the whole is walked again then.
            None => {}
        }
    }
}

fn as_table(shape: &Shape) -> Option<&Table> {
    if let Shape::Table(table) = shape { Some(table) } else { None }
}

/// The key that tells tables apart, and its word in each.
fn tag_of<'a>(tables: &[&'a Table]) -> Option<(&'a Member, Vec<String>)> {
    let word = |table: &Table, name: &str| match &table.member(name)?.shape {
        Shape::Words(words) => words.first().cloned(),
        _ => None,
    };
    tables.first()?.members.iter().find_map(|member| {
        let words: Option<Vec<String>> = tables.iter().map(|table| word(table, &member.name)).collect();
        Some((member, words?))
    })
}

/// The table within this one that knows the key, and needs no other.
fn home_of<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    let knows = |member: &&Member| {
        as_table(&member.shape).is_some_and(|inner| {
            inner.member(key).is_some() && inner.members.iter().all(|member| !member.required || member.name == key)
        })
    };
    table.members.iter().find(knows).map(|member| member.name.as_str())
}
