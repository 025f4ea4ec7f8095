//! Tables in columns of their own width.

use super::terminal::{Hue, Paint};

/// A table.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<(Hue, String)>>,
}

impl Table {
    /// An empty table with those columns.
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|title| (*title).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<(Hue, String)>) {
        self.rows.push(cells);
    }

    /// The lines, each behind some spaces. A table without rows has none.
    pub fn lines(&self, paint: Paint, indent: usize) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let head: Vec<_> = self.head.iter().map(|title| (Hue::Faint, title.clone())).collect();
        let rows = std::iter::once(&head).chain(&self.rows);
        rows.map(|row| format!("{}{}", " ".repeat(indent), line(paint, row, &widths))).collect()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| text.chars().count());
        cells.chain([self.head[column].chars().count()]).max().unwrap_or(0)
    }
}

fn line(paint: Paint, row: &[(Hue, String)], widths: &[usize]) -> String {
    let last = row.len().saturating_sub(1);
    let cell = |(at, (hue, text)): (usize, &(Hue, String))| {
        // Spaces are added outside the colour, so that its codes don't count as width.
        let missing = widths.get(at).map_or(0, |width| width.saturating_sub(text.chars().count()));
        let gap = if at == last { 0 } else { missing + 2 };
        format!("{}{}", paint.put(*hue, text), " ".repeat(gap))
    };
    row.iter().enumerate().map(cell).collect::<String>().trim_end().to_owned()
}

/// A cell without a hue.
pub fn plain(text: impl Into<String>) -> (Hue, String) {
    (Hue::Plain, text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", "state"]);
        table.row(vec![plain("catalog"), plain("ready")]);
        table.row(vec![plain("web"), plain("-")]);
        let lines = table.lines(Paint { on: false }, 2);
        assert_eq!(lines, ["  name     state", "  catalog  ready", "  web      -"]);
        assert!(Table::new(&["name"]).lines(Paint { on: false }, 0).is_empty());
    }
}
