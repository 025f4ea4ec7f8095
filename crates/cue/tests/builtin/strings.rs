//! `strings`

use proptest::prelude::*;

use super::{b, call, check, i, l, s, show};

#[test]
fn places_and_parts() {
    check(
        "strings",
        &[
            ("ByteAt", &[s("abc"), i(1)], "98"),
            ("ByteAt", &[b(b"\xff"), i(0)], "255"),
            ("ByteAt", &[s("abc"), i(3)], "!index out of range"),
            ("ByteAt", &[s("abc"), i(-1)], "!index out of range"),
            ("ByteSlice", &[s("a✓c"), i(1), i(3)], r"'\xe2\x9c'"),
            ("ByteSlice", &[s("abc"), i(0), i(0)], "''"),
            ("ByteSlice", &[s("abc"), i(2), i(1)], "!index out of range"),
            ("ByteSlice", &[s("abc"), i(0), i(4)], "!index out of range"),
            ("Runes", &[s("né😀")], "[110, 233, 128512]"),
            ("Runes", &[s("")], "[]"),
            ("SliceRunes", &[s("né😀x"), i(1), i(3)], r#""é😀""#),
            ("SliceRunes", &[s("né"), i(1), i(3)], "!index out of range"),
            ("Index", &[s("chicken"), s("ken")], "4"),
            ("Index", &[s("chicken"), s("dmr")], "-1"),
            ("Index", &[s("éa"), s("a")], "2"),
            ("Index", &[s("a"), s("")], "0"),
            ("LastIndex", &[s("go gopher"), s("go")], "3"),
            ("LastIndex", &[s("abc"), s("")], "3"),
            ("IndexAny", &[s("golang"), s("gn")], "0"),
            ("IndexAny", &[s("golang"), s("")], "-1"),
            ("LastIndexAny", &[s("golang"), s("go")], "5"),
            ("LastIndexAny", &[s("go"), s("x")], "-1"),
        ],
    );
}

#[test]
fn questions() {
    check(
        "strings",
        &[
            ("MinRunes", &[s("né"), i(2)], "true"),
            ("MinRunes", &[s("né"), i(3)], "false"),
            ("MaxRunes", &[s("né"), i(2)], "true"),
            ("MaxRunes", &[s("né"), i(1)], "false"),
            ("MaxRunes", &[s(""), i(-1)], "false"),
            ("Compare", &[s("a"), s("b")], "-1"),
            ("Compare", &[s("a"), s("a")], "0"),
            ("Compare", &[s("b"), s("a")], "1"),
            ("Count", &[s("cheese"), s("e")], "3"),
            ("Count", &[s("fivé"), s("")], "5"),
            ("Count", &[s("aaaa"), s("aa")], "2"),
            ("Contains", &[s("seafood"), s("foo")], "true"),
            ("Contains", &[s(""), s("")], "true"),
            ("ContainsAny", &[s("failure"), s("ui")], "true"),
            ("ContainsAny", &[s("foo"), s("")], "false"),
            ("HasPrefix", &[s("gopher"), s("go")], "true"),
            ("HasPrefix", &[s("gopher"), s("C")], "false"),
            ("HasSuffix", &[s("amigo"), s("go")], "true"),
            ("HasSuffix", &[s("amigo"), s("Ami")], "false"),
        ],
    );
}

#[test]
fn pieces() {
    check(
        "strings",
        &[
            ("Split", &[s("a,b,c"), s(",")], r#"["a", "b", "c"]"#),
            ("Split", &[s(""), s(",")], r#"[""]"#),
            ("Split", &[s(""), s("")], "[]"),
            ("Split", &[s("né"), s("")], r#"["n", "é"]"#),
            ("SplitN", &[s("a,b,c"), s(","), i(2)], r#"["a", "b,c"]"#),
            ("SplitN", &[s("a,b,c"), s(","), i(0)], "[]"),
            ("SplitN", &[s("a,b,c"), s(","), i(-1)], r#"["a", "b", "c"]"#),
            ("SplitN", &[s("abc"), s(""), i(2)], r#"["a", "bc"]"#),
            ("SplitAfter", &[s("a,b,"), s(",")], r#"["a,", "b,", ""]"#),
            ("SplitAfterN", &[s("a,b,c"), s(","), i(2)], r#"["a,", "b,c"]"#),
            ("SplitAfterN", &[s("a,b,c"), s(","), i(-5)], r#"["a,", "b,", "c"]"#),
            ("SplitAfterN", &[s("abc"), s(""), i(2)], r#"["a", "bc"]"#),
            ("Fields", &[s("  foo bar\t\u{a0}baz \n")], r#"["foo", "bar", "baz"]"#),
            ("Fields", &[s("  ")], "[]"),
            ("Join", &[l(&[s("foo"), s("bar")]), s(", ")], r#""foo, bar""#),
            ("Join", &[l(&[]), s(", ")], r#""""#),
            ("Join", &[l(&[s("a"), i(1)]), s("")], "!element 1 of the list in argument 1 must be a string, not int"),
        ],
    );
}

#[test]
fn changes() {
    check(
        "strings",
        &[
            ("ToTitle", &[s("loud noises\tnow éa")], r#""Loud Noises\tNow Éa""#),
            ("ToTitle", &[s("ǆ ß")], r#""ǅ ß""#),
            ("ToCamel", &[s("Loud NOISES")], r#""loud nOISES""#),
            ("ToUpper", &[s("Gopher ß ŉ ᾳ ᾀ")], r#""GOPHER ß ŉ ᾼ ᾈ""#),
            ("ToLower", &[s("GoPHER İ Σ")], r#""gopher i σ""#),
            ("Replace", &[s("abc"), s(""), s("-"), i(-1)], r#""-a-b-c-""#),
            ("Replace", &[s("abc"), s(""), s("-"), i(2)], r#""-a-bc""#),
            ("Replace", &[s("aaaa"), s("aa"), s("$"), i(1)], r#""$aa""#),
            ("Repeat", &[s("na"), i(2)], r#""nana""#),
            ("Repeat", &[s("na"), i(0)], r#""""#),
            ("Repeat", &[s("na"), i(-1)], "!negative count"),
            ("Repeat", &[s("na"), i(i64::MAX)], "!texts of more than"),
            ("Trim", &[s("¡¡Hello!!!"), s("!¡")], r#""Hello""#),
            ("TrimLeft", &[s("xxhixx"), s("x")], r#""hixx""#),
            ("TrimRight", &[s("xxhixx"), s("x")], r#""xxhi""#),
            ("Trim", &[s("abc"), s("")], r#""abc""#),
            ("TrimSpace", &[s(" \t\n Hello \u{85}\u{2003}")], r#""Hello""#),
            ("TrimPrefix", &[s("aab"), s("a")], r#""ab""#),
            ("TrimPrefix", &[s("b"), s("a")], r#""b""#),
            ("TrimSuffix", &[s("baa"), s("a")], r#""ba""#),
            ("Replace", &[s("oink oink oink"), s("k"), s("ky"), i(2)], r#""oinky oinky oink""#),
            ("Replace", &[s("oink oink"), s("oink"), s("moo"), i(-1)], r#""moo moo""#),
            ("Replace", &[s("ab"), s(""), s("-"), i(-1)], r#""-a-b-""#),
            ("Replace", &[s("ab"), s(""), s("-"), i(2)], r#""-a-b""#),
            ("Replace", &[s("ab"), s("b"), s("-"), i(0)], r#""ab""#),
        ],
    );
}

proptest! {
    #[test]
    fn split_pieces_join_again(text in "[ab,é]{0,12}", separator in ",|ab|é|", limit in -2i64..5) {
        prop_assume!(limit != 0);
        let pieces = call("strings", "SplitN", &[s(&text), s(&separator), i(limit)]).expect("splits");
        let joined = call("strings", "Join", &[pieces, s(&separator)]).expect("joins");
        prop_assert_eq!(joined, s(&text).clone());
        let kept = call("strings", "SplitAfterN", &[s(&text), s(&separator), i(limit)]).expect("splits");
        prop_assert_eq!(show(&call("strings", "Join", &[kept, s("")]).expect("joins")), show(&s(&text)));
    }
}
