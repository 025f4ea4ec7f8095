//! `path`

use proptest::prelude::*;
use shipway_cue::data::Data;

use super::{call, check, l, s};

const UNIX: &str = "unix";
const WINDOWS: &str = "windows";
const PLAN9: &str = "plan9";

fn on(path: &str, os: &str) -> [Data; 2] {
    [s(path), s(os)]
}

#[test]
fn cleaned() {
    let unix = [
        ("", "."),
        (".", "."),
        ("abc", "abc"),
        ("a/b/", "a/b"),
        ("a//b///c", "a/b/c"),
        ("/", "/"),
        ("//a", "/a"),
        ("./a/./b", "a/b"),
        ("a/b/../c", "a/c"),
        ("a/../..", ".."),
        ("../a/../b", "../b"),
        ("/..", "/"),
        ("/../../a", "/a"),
        ("a/..", "."),
        ("a\\..\\b", "a\\..\\b"),
    ];
    for (path, expected) in unix {
        check(
            "path",
            &[("Clean", &[s(path)], &format!("{expected:?}")), ("Clean", &on(path, PLAN9), &format!("{expected:?}"))],
        );
    }
    let windows = [
        ("", "."),
        ("c:", "c:."),
        (r"c:\", r"c:\"),
        (r"c:a\..\b", "c:b"),
        (r"c:\a\..\..", r"c:\"),
        ("/a/b", r"\a\b"),
        (r"\\host\share", r"\\host\share"),
        ("//host/share/a/..", r"\\host\share\"),
        ("//host", r"\host"),
        (r"a/b\c", r"a\b\c"),
        // An element becomes a drive: CUE's rules are those of Go before it took care of that.
        (r".\a:", "a:"),
    ];
    for (path, expected) in windows {
        check("path", &[("Clean", &on(path, WINDOWS), &format!("{expected:?}"))]);
    }
}

#[test]
fn taken_apart() {
    check(
        "path",
        &[
            ("Split", &[s("a/b/c.txt")], r#"["a/b/", "c.txt"]"#),
            ("Split", &[s("c.txt")], r#"["", "c.txt"]"#),
            ("Split", &[s("a/")], r#"["a/", ""]"#),
            ("Split", &on(r"c:a\b", WINDOWS), r#"["c:a\\", "b"]"#),
            ("Split", &on("c:a", WINDOWS), r#"["c:", "a"]"#),
            ("Split", &on(r"\\h\s", WINDOWS), r#"["\\\\h\\s", ""]"#),
            ("SplitList", &on("/a:/b::", UNIX), r#"["/a", "/b", "", ""]"#),
            ("SplitList", &on("", UNIX), "[]"),
            ("SplitList", &on("/a\0/b:c", PLAN9), r#"["/a", "/b:c"]"#),
            ("SplitList", &on(r#"a;"b;c"d;"#, WINDOWS), r#"["a", "b;cd", ""]"#),
            ("Ext", &[s("a.b/c.tar.gz")], r#"".gz""#),
            ("Ext", &[s("a.b/c")], r#""""#),
            ("Ext", &on(r"a.b\c", WINDOWS), r#""""#),
            ("Base", &[s("/a/b//")], r#""b""#),
            ("Base", &[s("")], r#"".""#),
            ("Base", &[s("///")], r#""/""#),
            ("Base", &on(r"c:\", WINDOWS), r#""\\""#),
            ("Base", &on(r"c:\a\b", WINDOWS), r#""b""#),
            ("Base", &on("c:a", WINDOWS), r#""a""#),
            ("Dir", &[s("/a/b")], r#""/a""#),
            ("Dir", &[s("a")], r#"".""#),
            ("Dir", &[s("/a")], r#""/""#),
            ("Dir", &[s("a/b/")], r#""a/b""#),
            ("Dir", &on(r"c:\a", WINDOWS), r#""c:\\""#),
            ("Dir", &on(r"c:a", WINDOWS), r#""c:.""#),
            ("Dir", &on(r"\\h\s\a", WINDOWS), r#""\\\\h\\s\\""#),
            ("Dir", &on(r"\\h\s", WINDOWS), r#""\\\\h\\s""#),
            ("VolumeName", &on(r"C:\a", WINDOWS), r#""C:""#),
            ("VolumeName", &on("//host/share/a", WINDOWS), r#""//host/share""#),
            ("VolumeName", &on("//host/.share", WINDOWS), r#""""#),
            ("VolumeName", &on("c:/a", UNIX), r#""""#),
        ],
    );
}

#[test]
fn put_together() {
    check(
        "path",
        &[
            ("Join", &[l(&[s("a"), s(""), s("../b")])], r#""b""#),
            ("Join", &[l(&[])], r#""""#),
            ("Join", &[l(&[s(""), s("")])], r#""""#),
            ("Join", &[l(&[s("/"), s("a")]), s(UNIX)], r#""/a""#),
            ("Join", &[l(&[s("c:"), s(""), s("a")]), s(WINDOWS)], r#""c:a""#),
            ("Join", &[l(&[s("c:"), s("")]), s(WINDOWS)], r#""c:.""#),
            ("Join", &[l(&[s("\\"), s("\\a"), s("b")]), s(WINDOWS)], r#""\\a\\b""#),
            ("Join", &[l(&[s(r"\\h\s"), s("a")]), s(WINDOWS)], r#""\\\\h\\s\\a""#),
            ("Join", &[l(&[s("//a"), s("b")]), s(WINDOWS)], r#""\\a\\b""#),
            ("Resolve", &[s("/a/b"), s("../c")], r#""/a/c""#),
            ("Resolve", &[s("/a/b"), s("/c/../d")], r#""/d""#),
            ("Resolve", &[s("a"), s("c:/x"), s(WINDOWS)], r#""c:\\x""#),
            ("Resolve", &[s("a"), s("/x"), s(WINDOWS)], r#""a\\x""#),
            ("Rel", &[s("/a"), s("/a/b/c")], r#""b/c""#),
            ("Rel", &[s("/a/b"), s("/a/c")], r#""../c""#),
            ("Rel", &[s("a/b"), s("a/b")], r#"".""#),
            ("Rel", &[s("a/b/c"), s("a")], r#""../..""#),
            ("Rel", &[s("."), s("a")], r#""a""#),
            ("Rel", &[s("/"), s("/a")], r#""a""#),
            ("Rel", &[s("/a"), s("b")], "!can't make b relative to /a"),
            ("Rel", &[s("../a"), s("b")], "!can't make b relative to ../a"),
            ("Rel", &[s(r"c:\A"), s(r"C:\a\b"), s(WINDOWS)], r#""b""#),
            ("Rel", &[s(r"c:\a"), s(r"d:\a"), s(WINDOWS)], "!can't make"),
            ("ToSlash", &on(r"a\b/c", WINDOWS), r#""a/b/c""#),
            ("ToSlash", &on(r"a\b", UNIX), r#""a\\b""#),
            ("FromSlash", &on("a/b", WINDOWS), r#""a\\b""#),
            ("FromSlash", &on("a/b", PLAN9), r#""a/b""#),
            ("Clean", &on("a", "linux"), "!must be unix, windows or plan9"),
        ],
    );
}

#[test]
fn absolute() {
    let cases = [
        ("/a", UNIX, true),
        ("a", UNIX, false),
        ("#c", PLAN9, true),
        ("#c", UNIX, false),
        ("c:/", WINDOWS, true),
        ("c:a", WINDOWS, false),
        ("/a", WINDOWS, false),
        ("//h/s/", WINDOWS, true),
        ("//h/s", WINDOWS, false),
        ("nul", WINDOWS, true),
        ("", UNIX, false),
    ];
    for (path, os, expected) in cases {
        check("path", &[("IsAbs", &on(path, os), &expected.to_string())]);
    }
}

#[test]
fn patterns() {
    let cases = [
        ("abc", "abc", "true"),
        ("*", "abc", "true"),
        ("*c", "abc", "true"),
        ("a*", "ab/c", "false"),
        ("a*/b", "abc/b", "true"),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", "true"),
        ("a*b?c*x", "abxbbxdbxebxczzx", "true"),
        ("a*b?c*x", "abxbbxdbxebxczzy", "false"),
        ("ab[c]", "abc", "true"),
        ("ab[b-d]", "abc", "true"),
        ("ab[^c]", "abc", "false"),
        ("ab[^e-g]", "abc", "true"),
        (r"a\*b", "a*b", "true"),
        (r"a\*b", "ab", "false"),
        ("a?b", "aéb", "true"),
        ("a[^a]b", "a☺b", "true"),
        ("a?b", "a/b", "false"),
        ("[\\]a]", "]", "true"),
        ("[x\\-]", "-", "true"),
        ("*x", "xxx", "true"),
        ("", "", "true"),
        ("*", "", "true"),
        ("a", "", "false"),
        ("[^a]", "/", "true"),
        ("[]a]", "]", "!syntax"),
        ("[-]", "-", "!syntax"),
        ("[x-]", "x", "!syntax"),
        ("[a-b-c]", "a", "!syntax"),
        ("[", "a", "!syntax"),
        ("[^", "a", "!syntax"),
        ("a[", "ab", "!syntax"),
        ("\\", "a", "!syntax"),
        ("b[", "a", "!syntax"),
    ];
    for (pattern, name, expected) in cases {
        check("path", &[("Match", &[s(pattern), s(name)], expected)]);
    }
    check(
        "path",
        &[
            ("Match", &[s(r"a\*"), s(r"a\bc"), s(WINDOWS)], "true"),
            ("Match", &[s("*"), s("a/b"), s(WINDOWS)], "true"),
            ("Match", &[s("*"), s(r"a\b"), s(WINDOWS)], "false"),
        ],
    );
}

proptest! {
    #[test]
    fn cleaning_twice_changes_nothing(path in r"[ab./\\:]{0,12}", os in "unix|plan9") {
        let once = call("path", "Clean", &on(&path, &os)).expect("cleans");
        prop_assert_eq!(call("path", "Clean", &[once.clone(), s(&os)]), Ok(once));
    }

    #[test]
    fn parts_join_again(path in r"[ab./\\:]{0,12}", os in "unix|windows|plan9") {
        let Ok(Data::List(parts)) = call("path", "Split", &on(&path, &os)) else { panic!("splits") };
        let whole: String = parts.iter().map(|part| match part { Data::String(text) => text.to_string(), _ => String::new() }).collect();
        prop_assert_eq!(whole, path);
    }

    #[test]
    fn relative_paths_lead_back(base in "(/[ab]){1,4}", target in "(/[ab]){1,4}") {
        let way = call("path", "Rel", &[s(&base), s(&target)]).expect("is known");
        prop_assert_eq!(call("path", "Resolve", &[s(&base), way]), Ok(s(&target)));
    }

    #[test]
    fn any_path_is_taken(path in "\\PC{0,8}", os in "unix|windows|plan9") {
        for name in ["Base", "Dir", "Ext", "VolumeName", "IsAbs", "SplitList", "ToSlash"] {
            call("path", name, &on(&path, &os)).expect("takes any path");
        }
        let _ = call("path", "Match", &[s(&path), s("a"), s(&os)]);
    }
}
