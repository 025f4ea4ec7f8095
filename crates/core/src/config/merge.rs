//! Laying one tree over another. It is associative: layers may be laid in any grouping, and come out the same.

use std::{cmp::Ordering, sync::Arc};

use super::value::{Node, Table, What};

/// `over` on top of `base`. What is untouched is shared with both.
pub fn merge(base: &Arc<Node>, over: &Arc<Node>) -> Arc<Node> {
    match (&base.what, &over.what) {
        (What::Table(under), What::Table(table)) if !table.cut && under.listed == table.listed => {
            if table.entries.is_empty() {
                return base.clone();
            }
            let entries = if table.listed { by_name(under, table) } else { by_key(under, table) };
            let what = What::Table(Table { entries, cut: under.cut, listed: under.listed });
            Arc::new(Node { said: over.said.clone(), what, below: base.below.clone() })
        }
        (_, What::Table(table)) if !table.cut => {
            let what = What::Table(Table { cut: true, ..table.clone() });
            Arc::new(Node { said: over.said.clone(), what, below: Some(base.clone()) })
        }
        (_, what) => {
            let below = over.below.as_ref().map_or_else(|| base.clone(), |below| merge(base, below));
            Arc::new(Node { said: over.said.clone(), what: what.clone(), below: Some(below) })
        }
    }
}

type Entries = Vec<(Arc<str>, Arc<Node>)>;

/// Both are sorted: one pass.
fn by_key(base: &Table, over: &Table) -> Entries {
    let mut entries = Vec::with_capacity(base.entries.len() + over.entries.len());
    let (mut under, mut above) = (base.entries.as_slice(), over.entries.as_slice());
    while let (Some((low, rest_low)), Some((high, rest_high))) = (under.split_first(), above.split_first()) {
        match low.0.cmp(&high.0) {
            Ordering::Less => {
                entries.push(low.clone());
                under = rest_low;
            }
            Ordering::Greater => {
                entries.push(high.clone());
                above = rest_high;
            }
            Ordering::Equal => {
                entries.push((low.0.clone(), merge(&low.1, &high.1)));
                (under, above) = (rest_low, rest_high);
            }
        }
    }
    entries.extend_from_slice(under);
    entries.extend_from_slice(above);
    entries
}

/// Items keep their places; new ones come behind.
fn by_name(base: &Table, over: &Table) -> Entries {
    let merged = |(name, low): &(Arc<str>, Arc<Node>)| {
        let high = over.get(name);
        (name.clone(), high.map_or_else(|| low.clone(), |high| merge(low, high)))
    };
    let new = over.entries.iter().filter(|(name, _)| base.get(name).is_none()).cloned();
    base.entries.iter().map(merged).chain(new).collect()
}
