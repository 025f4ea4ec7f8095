//! Statements about several rows: one text for each number of rows, made once.

use std::sync::OnceLock;

use sqlx::{Any, any::AnyArguments, query::Query};

/// How many rows a statement may be about. Few numbers, so that few texts are prepared.
pub(crate) const ROWS: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// A statement with its parameters repeated row by row.
pub(crate) struct Statement {
    before: &'static str,
    columns: usize,
    after: &'static str,
    /// Whether each row stands in brackets of its own.
    bracketed: bool,
    texts: [OnceLock<String>; ROWS.len()],
}

impl Statement {
    /// Parameters one after the other.
    pub(crate) const fn list(before: &'static str, after: &'static str) -> Self {
        Self { before, columns: 1, after, bracketed: false, texts: [const { OnceLock::new() }; ROWS.len()] }
    }

    /// Parameters in rows of so many columns.
    pub(crate) const fn rows(before: &'static str, columns: usize, after: &'static str) -> Self {
        Self { before, columns, after, bracketed: true, texts: [const { OnceLock::new() }; ROWS.len()] }
    }

    /// The statement for one of the numbers of `ROWS`.
    pub(crate) fn query(&'static self, rows: usize) -> Query<'static, Any, AnyArguments> {
        let at = ROWS.iter().position(|known| *known == rows).expect("rows come in chunks of these numbers");
        sqlx::query(self.texts[at].get_or_init(|| self.text(rows)).as_str())
    }

    fn text(&self, rows: usize) -> String {
        let row = |row: usize| {
            let parameters = (1..=self.columns).map(|column| format!("${}", row * self.columns + column));
            let parameters = parameters.collect::<Vec<_>>().join(", ");
            if self.bracketed { format!("({parameters})") } else { parameters }
        };
        let all = (0..rows).map(row).collect::<Vec<_>>().join(", ");
        format!("{}{all}{}", self.before, self.after)
    }
}
