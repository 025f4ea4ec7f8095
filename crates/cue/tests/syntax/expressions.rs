//! Expressions and how tightly their operators bind.

use super::tree::{expr, file};

#[test]
fn operators_bind_as_the_specification_says() {
    let table = [
        ("1 + 2 * 3", "<1 Add <2 Multiply 3>>"),
        ("1 * 2 + 3", "<<1 Multiply 2> Add 3>"),
        ("a - b - c", "<<a Subtract b> Subtract c>"),
        ("a | b & c || d && e == f + g * h", "<a Or <b And <c BoolOr <d BoolAnd <e Equal <f Add <g Multiply h>>>>>>>"),
        ("a * b + c == d && e || f & g | h", "<<<<<<<a Multiply b> Add c> Equal d> BoolAnd e> BoolOr f> And g> Or h>"),
        ("*1 | int", "<Default<1> Or int>"),
        (">=1 & <=9", "<GreaterEqual<1> And LessEqual<9>>"),
        ("=~\"^a\" & !~\"b$\"", "<Match<\"^a\"> And NotMatch<\"b$\">>"),
        ("a =~ \"x\" == true", "<<a Match \"x\"> Equal true>"),
        ("-a * !b", "<Minus<a> Multiply Not<b>>"),
        ("- -1", "Minus<Minus<1>>"),
        ("< -1", "Less<Minus<1>>"),
        ("!=null", "NotEqual<null>"),
        ("(a | b) & c", "<(<a Or b>) And c>"),
        ("a != _|_", "<a NotEqual _|_>"),
        ("_ & _|_", "<_ And _|_>"),
    ];
    for (text, tree) in table {
        assert_eq!(expr(text), tree, "{text}");
    }
}

#[test]
fn operands_take_selectors_indices_and_calls() {
    let table = [
        ("a.b.\"c d\".#e._f", "a.b.\"c d\".#e._f"),
        ("a.if.for.null", "a.if.for.null"),
        ("a[0][\"b\"]", "a[0][\"b\"]"),
        ("a[1:2]", "a[1:2]"),
        ("a[:2]", "a[:2]"),
        ("a[1:]", "a[1:]"),
        ("a[:]", "a[:]"),
        ("a[\n\t0,\n]", "a[0]"),
        ("f()", "f()"),
        ("f(1, 2,)", "f(1, 2)"),
        ("f(\n\t1,\n\t2\n)", "f(1, 2)"),
        ("list.Sort([2, 1], {x: _, y: _, less: x < y})", "list.Sort([2, 1], {x:_; y:_; less:<x Less y>})"),
        ("{a: 1}.a", "{a:1}.a"),
        ("a.\n\tb", "a.b"),
        ("x?", "x?"),
        ("x.y?.z", "x.y?.z"),
        ("#A...", "#A..."),
        ("in & let", "<in And let>"),
    ];
    for (text, tree) in table {
        assert_eq!(expr(text), tree, "{text}");
    }
}

#[test]
fn lists_end_with_an_ellipsis_and_lines_may_part_elements() {
    let table = [
        ("[]", "[]"),
        ("[1, 2,]", "[1, 2]"),
        ("[\n\t1\n\t2,\n\t3\n]", "[1, 2, 3]"),
        ("[...]", "[...]"),
        ("[...int]", "[...int]"),
        ("[1, ...string | int,]", "[1, ...<string Or int>]"),
        ("[for x in y {x}]", "[for x in y {x}]"),
        ("[if a {1}, if !a {2}, 3]", "[if a {1}, if Not<a> {2}, 3]"),
        ("[for k, v in s if k != \"a\" let w = v {w}, 9]", "[for k v in s if <k NotEqual \"a\"> let w = v {w}, 9]"),
        ("[if, for]", "[if, for]"),
    ];
    for (text, tree) in table {
        assert_eq!(expr(text), tree, "{text}");
    }
}

#[test]
fn interpolations_nest() {
    let table = [
        (r#""a\(b)c""#, r#""a\(b)c""#),
        (r#""\(a)\(b)""#, r#""\(a)\(b)""#),
        (r#""\("\(1 + (2))")""#, r#""\("\(<1 Add (2)>)")""#),
        (r#""\({a: "\(x)"}.a)""#, r#""\({a:"\(x)"}.a)""#),
        (r##"#"\(a) \#(b)"#"##, r#""\(a) \(b)""#),
        (r"'\(a)'", r"'\(a)'"),
        ("\"\"\"\n\tx \\(a)\n\t  y\n\t\"\"\"", "\"x \\(a)\n  y\""),
        ("\"\\(a\n)\"", r#""\(a)""#),
    ];
    for (text, tree) in table {
        assert_eq!(expr(text), tree, "{text}");
    }
}

#[test]
fn comprehensions_yield_structs() {
    let table = [
        ("if a {b: 1}", "if a {b:1}"),
        ("for k, v in s {\"\\(k)\": v}", "for k v in s {\"\\(k)\":v}"),
        ("for x in l\nif x > 1\nlet y = x\n{y}", "for x in l if <x Greater 1> let y = x {y}"),
        ("for x in l, if x {x}", "for x in l if x {x}"),
        ("for _, x in l {x}", "for _ x in l {x}"),
        ("@experiment(try)\ntry {a: b?} else {c: 1}", "try {a:b?} else {c:1}"),
        ("@experiment(try)\ntry x = a? try y = b? {x + y}", "try x = a? try y = b? {<x Add y>}"),
        ("@experiment(try)\nfor v in l try {v?}", "for v in l try {v?}"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}
