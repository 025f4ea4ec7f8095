//! Lines of cells to text: cells that stand under one another are padded to one width.
//!
//! A column is a run of neighbouring lines that have a further cell after it (elastic tabstops, as Go's text/tabwriter
//! lays them out). Runs don't cross a line that ends a block, or a change of indentation.
//!
//! Not here: what stands in the cells.

/// A line of the result.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// In tabs.
    pub(super) indent: usize,
    /// What stands on it; an empty line has none.
    pub(super) cells: Vec<String>,
    /// No column goes on after this line.
    pub(super) ends_block: bool,
}

/// The text of all lines, each with its end.
pub(super) fn to_text(lines: &[Line]) -> String {
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|line| vec![0; line.cells.len()]).collect();
    let mut start = 0;
    while start < lines.len() {
        let end = end_of_block(lines, start);
        measure(&lines[start..end], &mut widths[start..end], 0);
        start = end;
    }
    let mut text = String::new();
    for (line, widths) in lines.iter().zip(&widths) {
        push_line(&mut text, line, widths);
    }
    text
}

fn end_of_block(lines: &[Line], start: usize) -> usize {
    let several = |line: &Line| line.cells.iter().any(|cell| cell.contains('\n'));
    let parts = |one: &Line, next: &Line| one.ends_block || one.indent != next.indent || several(one);
    let mut end = start + 1;
    while end < lines.len() && !parts(&lines[end - 1], &lines[end]) {
        end += 1;
    }
    end
}

/// Sets the widths of a column, and in each of its runs those of the columns to the right.
fn measure(lines: &[Line], widths: &mut [Vec<usize>], column: usize) {
    let continues = |line: &Line| line.cells.len() > column + 1;
    let mut start = 0;
    while start < lines.len() {
        if !continues(&lines[start]) {
            start += 1;
            continue;
        }
        let run = lines[start..].iter().take_while(|line| continues(line)).count();
        let widest = lines[start..start + run].iter().map(|line| line.cells[column].chars().count()).max();
        for widths in &mut widths[start..start + run] {
            widths[column] = widest.unwrap_or(0);
        }
        measure(&lines[start..start + run], &mut widths[start..start + run], column + 1);
        start += run;
    }
}

fn push_line(text: &mut String, line: &Line, widths: &[usize]) {
    if !line.cells.is_empty() {
        text.extend(std::iter::repeat_n('\t', line.indent));
    }
    for (column, cell) in line.cells.iter().enumerate() {
        text.push_str(cell);
        let last = column + 1 == line.cells.len();
        if !last && widths[column] > 0 {
            let padding = widths[column].saturating_sub(cell.chars().count()) + 1;
            text.extend(std::iter::repeat_n(' ', padding));
        }
    }
    text.push('\n');
}
