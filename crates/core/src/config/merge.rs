//! Laying one tree over another. It is associative: layers may be laid in any grouping, and come out the same.

use std::sync::Arc;

use super::value::{Entry, Node, Table, What};

/// `over` on top of `base`. What is untouched is shared with both; of an `over` that nobody else has, it is taken.
pub fn merge(base: &Arc<Node>, over: Arc<Node>) -> Arc<Node> {
    let Node { said, what, below } = Arc::unwrap_or_clone(over);
    Arc::new(match (&base.what, what) {
        (What::Table(under), What::Table(table)) if !table.cut && under.listed == table.listed => {
            if table.entries.is_empty() {
                return base.clone();
            }
            let entries = if table.listed { by_name(under, table) } else { by_key(under, table) };
            let what = What::Table(Table { entries, cut: under.cut, listed: under.listed });
            Node { said, what, below: base.below.clone() }
        }
        (_, What::Table(table)) if !table.cut => {
            Node { said, what: What::Table(Table { cut: true, ..table }), below: Some(base.clone()) }
        }
        (_, what) => {
            let below = below.map_or_else(|| base.clone(), |below| merge(base, below));
            Node { said, what, below: Some(below) }
        }
    })
}

/// Both are sorted: one pass.
fn by_key(base: &Table, over: Table) -> Vec<Arc<Entry>> {
    let mut entries = Vec::with_capacity(base.entries.len() + over.entries.len());
    let mut under = base.entries.as_slice();
    for high in over.entries {
        let before = under.iter().take_while(|low| low.key < high.key).count();
        entries.extend_from_slice(&under[..before]);
        under = &under[before..];
        match under.split_first().filter(|(low, _)| low.key == high.key) {
            Some((low, rest)) => {
                entries.push(both(low, high));
                under = rest;
            }
            None => entries.push(high),
        }
    }
    entries.extend_from_slice(under);
    entries
}

/// Items keep their places; new ones come behind.
fn by_name(base: &Table, over: Table) -> Vec<Arc<Entry>> {
    let mut entries = base.entries.clone();
    for high in over.entries {
        match base.entries.iter().position(|low| low.key == high.key) {
            Some(at) => entries[at] = both(&base.entries[at], high),
            None => entries.push(high),
        }
    }
    entries
}

fn both(low: &Entry, high: Arc<Entry>) -> Arc<Entry> {
    Entry::new(low.key.clone(), merge(&low.node, Arc::unwrap_or_clone(high).node))
}
