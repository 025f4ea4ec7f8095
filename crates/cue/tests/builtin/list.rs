//! `list`

use super::{b, builtin, check, i, l, n, o, s};

#[test]
fn parts() {
    let numbers = l(&[i(1), i(2), i(3), i(4)]);
    check(
        "list",
        &[
            ("Drop", &[numbers.clone(), i(3)], "[4]"),
            ("Drop", &[numbers.clone(), i(9)], "[]"),
            ("Drop", &[numbers.clone(), i(-1)], "!negative index"),
            ("Take", &[numbers.clone(), i(3)], "[1, 2, 3]"),
            ("Take", &[numbers.clone(), i(9)], "[1, 2, 3, 4]"),
            ("Take", &[numbers.clone(), i(-1)], "!negative index"),
            ("Slice", &[numbers.clone(), i(1), i(2)], "[2]"),
            ("Slice", &[numbers.clone(), i(4), i(4)], "[]"),
            ("Slice", &[numbers.clone(), i(-1), i(2)], "!negative index"),
            ("Slice", &[numbers.clone(), i(2), i(1)], "!invalid index: 2 > 1"),
            ("Slice", &[numbers.clone(), i(2), i(5)], "!slice bounds out of range"),
            ("Reverse", std::slice::from_ref(&numbers), "[4, 3, 2, 1]"),
        ],
    );
}

#[test]
fn joints() {
    let nested = l(&[i(0), l(&[i(1), l(&[i(2), l(&[])])]), s("x")]);
    check(
        "list",
        &[
            ("FlattenN", &[nested.clone(), i(0)], r#"[0, [1, [2, []]], "x"]"#),
            ("FlattenN", &[nested.clone(), i(1)], r#"[0, 1, [2, []], "x"]"#),
            ("FlattenN", &[nested.clone(), i(-1)], r#"[0, 1, 2, "x"]"#),
            ("FlattenN", &[s("x"), i(1)], "!a list is needed, not a value of type string"),
            ("Concat", &[l(&[l(&[i(1)]), l(&[]), l(&[i(2), i(3)])])], "[1, 2, 3]"),
            ("Concat", &[l(&[])], "[]"),
            ("Concat", &[l(&[l(&[]), i(2)])], "!element 1 must be a list, not a value of type int"),
            ("Repeat", &[l(&[i(1), i(2)]), i(2)], "[1, 2, 1, 2]"),
            ("Repeat", &[l(&[i(1)]), i(0)], "[]"),
            ("Repeat", &[l(&[]), i(1_000_000)], "[]"),
            ("Repeat", &[l(&[i(1)]), i(-1)], "!negative count"),
            ("Repeat", &[l(&[]), i(1_000_001)], "!count 1000001 exceeds limit of 1000000"),
        ],
    );
}

#[test]
fn sums() {
    let mixed = l(&[i(3), n("1.5"), i(-2), n("3.0")]);
    check(
        "list",
        &[
            ("Sum", std::slice::from_ref(&mixed), "5.5"),
            ("Sum", &[l(&[])], "0"),
            ("Sum", &[l(&[n("1.5"), n("1.5")])], "3"),
            ("Sum", &[l(&[s("x")])], "!element 0 of the list in argument 1 must be a number, not string"),
            ("Product", std::slice::from_ref(&mixed), "-27"),
            ("Product", &[l(&[])], "1"),
            ("Avg", &[l(&[i(1), i(2)])], "1.5"),
            ("Avg", &[l(&[i(1), i(3)])], "2"),
            ("Avg", &[l(&[i(1), i(0), i(0)])], "0.3333333333333333333333333333333333"),
            ("Avg", &[l(&[])], "!empty list"),
            ("Max", std::slice::from_ref(&mixed), "3"),
            ("Max", &[l(&[])], "!empty list"),
            ("Min", std::slice::from_ref(&mixed), "-2"),
            ("Min", &[l(&[n("1.50"), i(2)])], "1.50"),
            ("Min", &[l(&[])], "!empty list"),
        ],
    );
}

#[test]
fn ranges() {
    check(
        "list",
        &[
            ("Range", &[i(0), i(5), i(2)], "[0, 2, 4]"),
            ("Range", &[i(3), i(0), i(-1)], "[3, 2, 1]"),
            ("Range", &[i(0), i(1), n("0.25")], "[0, 0.25, 0.50, 0.75]"),
            ("Range", &[n("0.5"), i(2), n("0.5")], "[0.5, 1, 1.5]"),
            ("Range", &[i(2), i(2), i(1)], "[]"),
            ("Range", &[i(2), i(1), i(1)], "!end must be greater than start when step is positive"),
            ("Range", &[i(1), i(2), i(-1)], "!end must be less than start when step is negative"),
            ("Range", &[i(0), i(5), i(0)], "!step must be non zero"),
            ("Range", &[n("1e40"), n("2e40"), i(1)], "!make it shorter"),
        ],
    );
}

#[test]
fn searches_and_orders() {
    let structs = l(&[o(&[("a", i(1)), ("b", i(2))]), s("x"), b(b"x")]);
    check(
        "list",
        &[
            ("Contains", &[structs.clone(), o(&[("b", n("2.0")), ("a", i(1))])], "true"),
            ("Contains", &[structs.clone(), s("y")], "false"),
            ("Contains", &[structs.clone(), b(b"x")], "true"),
            ("SortStrings", &[l(&[s("b"), s("a"), s("B")])], r#"["B", "a", "b"]"#),
            ("SortStrings", &[l(&[i(1)])], "!must be a string, not int"),
            ("IsSortedStrings", &[l(&[s("a"), s("b"), s("b")])], "true"),
            ("IsSortedStrings", &[l(&[s("b"), s("a")])], "false"),
        ],
    );
}

#[test]
fn comparers_are_constants() {
    let constants = builtin::package("list").expect("is a package").constants;
    assert_eq!(
        constants.iter().map(|constant| constant.name).collect::<Vec<_>>(),
        ["Comparer", "Ascending", "Descending"]
    );
}
