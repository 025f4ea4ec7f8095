//! Logs in a real folder.

use shipway_core::ports::{LogPosition, Logs};
use shipway_store::FolderLogs;
use tempfile::TempDir;

fn logs() -> (TempDir, FolderLogs) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let logs = FolderLogs::new(folder.path().join("logs"));
    (folder, logs)
}

fn lines(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("line {number}")).collect()
}

#[test]
fn pages_follow_each_other() {
    let (_folder, logs) = logs();
    let empty = logs.read("deployments/d1/build/web", LogPosition(0), 10).expect("an unknown log is empty");
    assert_eq!((empty.lines, empty.next), (Vec::new(), LogPosition(0)));
    logs.append("deployments/d1/build/web", &lines(0..3)).expect("written");
    logs.append("deployments/d1/build/web", &lines(3..7)).expect("written");
    let (mut found, mut next) = (Vec::new(), LogPosition::default());
    loop {
        let page = logs.read("deployments/d1/build/web", next, 2).expect("a page");
        assert!(page.lines.len() <= 2);
        if page.lines.is_empty() {
            break;
        }
        found.extend(page.lines);
        next = page.next;
    }
    assert_eq!(found, lines(0..7));
    logs.append("deployments/d1/build/web", &["late\nand broken".into()]).expect("written");
    let page = logs.read("deployments/d1/build/web", next, 10).expect("a page");
    assert_eq!(page.lines, ["late and broken"], "a reader goes on where it stood, and a line is a line");
    assert_eq!(logs.read("deployments/d2/build/web", LogPosition(0), 10).expect("another").lines.len(), 0);
}

#[test]
fn the_logs_of_a_folder_go_together_and_no_others() {
    let (_folder, logs) = logs();
    for name in ["deployments/d1/build/web", "deployments/d1/hooks/web", "deployments/d10/build/web"] {
        logs.append(name, &lines(0..1)).expect("written");
    }
    assert!(logs.holds("deployments/d1").expect("an answer"));
    assert!(logs.remove("deployments/d1").expect("removed"));
    assert!(!logs.remove("deployments/d1").expect("an answer"), "there is none any more");
    assert!(!logs.holds("deployments/d1").expect("an answer"));
    assert_eq!(logs.tail("deployments/d1/build/web", 5).expect("empty"), Vec::<String>::new());
    assert_eq!(logs.tail("deployments/d10/build/web", 5).expect("a log"), lines(0..1));
    assert!(logs.remove("deployments/..").is_err(), "a name leads nowhere else");
}

#[test]
fn a_line_that_is_still_written_is_left_for_later() {
    let (folder, logs) = logs();
    logs.append("a", &["whole".into()]).expect("written");
    let path = folder.path().join("logs/a.log");
    let mut text = std::fs::read_to_string(&path).expect("the log");
    text.push_str("half");
    std::fs::write(&path, &text).expect("written");
    let page = logs.read("a", LogPosition(0), 10).expect("a page");
    assert_eq!((page.lines, page.next), (vec!["whole".to_owned()], LogPosition(6)));
    std::fs::write(&path, text + " done\n").expect("written");
    assert_eq!(logs.read("a", page.next, 10).expect("a page").lines, ["half done"]);
}

#[test]
fn the_tail_is_the_last_lines() {
    let (_folder, logs) = logs();
    assert_eq!(logs.tail("a", 5).expect("an unknown log is empty"), Vec::<String>::new());
    logs.append("a", &lines(0..4)).expect("written");
    assert_eq!(logs.tail("a", 2).expect("a tail"), ["line 2", "line 3"]);
    assert_eq!(logs.tail("a", 9).expect("a tail"), lines(0..4));
    let wide: Vec<_> = (0..3000).map(|number| format!("{number} {}", "ü".repeat(500))).collect();
    logs.append("a", &wide).expect("written");
    let tail = logs.tail("a", usize::MAX).expect("a tail");
    assert!(tail.len() > 500, "{}", tail.len());
    assert_eq!(tail, wide[wide.len() - tail.len()..], "only whole lines");
}

#[test]
fn a_full_log_says_so_and_grows_no_more() {
    let (folder, logs) = logs();
    let block = vec!["x".repeat(1023); 1024];
    for _ in 0..20 {
        logs.append("a", &block).expect("written");
    }
    let size = std::fs::metadata(folder.path().join("logs/a.log")).expect("the log").len();
    assert!(size <= 16 * 1024 * 1024 + 2048, "{size}");
    let last = logs.tail("a", 1).expect("a tail").remove(0);
    assert!(last.contains("the log is full"), "{last}");
}

#[test]
fn a_line_longer_than_a_page_is_cut_and_read() {
    let (_folder, logs) = logs();
    logs.append("a", &["é".repeat(3 * 1024 * 1024), "after".into()]).expect("written");
    let page = logs.read("a", LogPosition(0), 10).expect("a page");
    assert_eq!(page.lines.len(), 2);
    assert!(page.lines[0].ends_with("… the line is cut: it has 6291456 bytes"), "{} bytes", page.lines[0].len());
    assert_eq!(page.lines[1], "after");
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let (folder, logs) = logs();
    for name in ["", "../a", "a/../b", "/etc/x", "a//b", "a/.", "a\0b"] {
        assert!(logs.append(name, &["x".into()]).is_err(), "{name:?}");
        assert!(logs.read(name, LogPosition(0), 1).is_err(), "{name:?}");
        assert!(logs.tail(name, 1).is_err(), "{name:?}");
    }
    assert!(!folder.path().join("logs").exists(), "nothing was written");
}
