//! Names that look like a name that means nothing: what was probably meant.
//!
//! Not here: which names there are.

/// Longer names are not compared, in bytes.
const MAX_COMPARED: usize = 80;

/// The name that looks most like another, if one does.
pub(crate) fn nearest<'n>(name: &str, known: &'n [String]) -> Option<&'n String> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let most = name.len().max(3) / 3;
    let comparable =
        known.iter().filter(|other| other.len() <= MAX_COMPARED && other.len().abs_diff(name.len()) <= most);
    let distances = comparable.map(|other| (edits(name, other), other));
    distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// How many letters were left out, put in, changed or swapped with the next (the optimal string alignment distance).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
