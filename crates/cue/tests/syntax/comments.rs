//! Comments are kept with their places.

use shipway_cue::source::FileId;
use shipway_cue::syntax::parse_file;

#[test]
fn comments_keep_text_place_and_whether_something_stands_before_them() {
    let text = "// file\n\na: 1 // one\n  // two\nb: [ // open\n\t1, // three\r\n]\n// end";
    let (file, errors) = parse_file(FileId(0), text);
    assert!(errors.is_empty(), "{errors:?}");
    let shown: Vec<(&str, bool)> = file.comments.iter().map(|comment| (&*comment.text, comment.trailing)).collect();
    let expected = [
        ("// file", false),
        ("// one", true),
        ("// two", false),
        ("// open", true),
        ("// three", true),
        ("// end", false),
    ];
    assert_eq!(shown, expected);
    for comment in &file.comments {
        let place = comment.span.start as usize..comment.span.end as usize;
        assert_eq!(text.get(place), Some(&*comment.text));
    }
}

#[test]
fn slashes_in_strings_are_no_comments() {
    let (file, errors) = parse_file(FileId(0), "a: \"http://x\" // y\nb: \"\"\"\n\t// z\n\t\"\"\"");
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(file.comments.len(), 1);
}
