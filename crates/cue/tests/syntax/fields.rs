//! Fields: labels, chains, aliases, attributes, and the commas between them.

use super::tree::file;

#[test]
fn labels_are_names_strings_and_computed() {
    let table = [
        ("a: 1", "a:1"),
        ("_a: 1, #A: 2, _#A: 3, $a: 4", "_a:1; #A:2; _#A:3; $a:4"),
        ("\"a b\": 1", "\"a b\":1"),
        ("#\"a\"b\"#: 1", "\"a\\\"b\":1"),
        ("\"\": 1", "\"\":1"),
        ("a?: 1, b!: 2", "a?:1; b!:2"),
        (
            "if: 1, for?: 2, let!: 3, in: 4, null: 5, true: 6, func: 7",
            "if:1; for?:2; let!:3; in:4; null:5; true:6; func:7",
        ),
        ("\"\\(x)\": 1", "\"\\(x)\":1"),
        ("(x.y): 1", "(x.y):1"),
        ("(x)?: 1", "(x)?:1"),
        ("[string]: 1", "[string]:1"),
        ("[=~\"^a\"]: 1", "[Match<\"^a\">]:1"),
        ("αβ: 1, 日本: 2", "αβ:1; 日本:2"),
        ("\"a\"\n: 1", "\"a\":1"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}

#[test]
fn chains_are_structs_without_braces() {
    let table = [
        ("a: b: c: 1", "a:b:c:1"),
        ("a?: b!: \"c\": (d): [string]: 1", "a?:b!:\"c\":(d):[string]:1"),
        ("a: {b: c: 1}", "a:{b:c:1}"),
        ("for: if: let: 3", "for:if:let:3"),
        ("a:\n\tb:\n\t\tc: 1", "a:b:c:1"),
        ("a: [b]: c", "a:[b]:c"),
        ("a: [b]", "a:[b]"),
        ("a: (b)", "a:(b)"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}

#[test]
fn aliases_of_all_kinds() {
    let table = [
        ("X=a: 1", "a<before X>:1"),
        ("X=\"a b\": 1", "\"a b\"<before X>:1"),
        ("X=\"\\(e)\": 1", "\"\\(e)\"<before X>:1"),
        ("X=(e): 1", "(e)<before X>:1"),
        ("X=[string]: 1", "[string]<before X>:1"),
        ("[X=string]: X", "[X=string]:X"),
        ("Y=[X=string]: X", "[X=string]<before Y>:X"),
        ("a: X={b: X}", "a:X={b:X}"),
        ("a: X=b: 1", "a:b<before X>:1"),
        ("if=a: 0", "a<before if>:0"),
        ("[N= =~\"^b\"]: 1", "[N=Match<\"^b\">]:1"),
        ("@experiment(aliasv2)\na~X: 1", "a<after X>:1"),
        ("@experiment(aliasv2)\na~(K,V)?: 1", "a<after KV>?:1"),
        ("@experiment(aliasv2)\n[string]~(K,_): b~B: 1", "[string]<after K_>:b<after B>:1"),
        ("let X = 1\nlet Y = X", "let X = 1; let Y = X"),
        ("let: 1", "let:1"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}

#[test]
fn commas_stand_or_are_implied() {
    let table = [
        ("a: 1, b: 2", "a:1; b:2"),
        ("a: 1,\nb: 2,\n", "a:1; b:2"),
        ("{a: 1\nb: 2}", "{a:1; b:2}"),
        ("{\n\t\"a\": 1\n\t, \"b\": 2\n}", "{\"a\":1; \"b\":2}"),
        ("a: b |\n\tc", "a:<b Or c>"),
        ("a: 1 // x\nb: 2", "a:1; b:2"),
        ("{}\n{}", "{}; {}"),
        ("a: 1\r\nb: 2\r\n", "a:1; b:2"),
        ("\u{feff}a: 1", "a:1"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}

#[test]
fn attributes_of_fields_and_structs() {
    let table = [
        ("a: 1 @go(A) @json(\"a,omitempty\")", "a:1 @go<A> @json<\"a,omitempty\">"),
        ("a: b: 1 @x(y(z), [w], {v})", "a:b:1 @x<y(z), [w], {v}>"),
        ("a: {@x(y)\nb: 1}", "a:{@x<y>; b:1}"),
        ("a: 1 @x(\")\", '\"', #\"\"\"#)", "a:1 @x<\")\", '\"', #\"\"\"#>"),
        ("a: 1 @x()", "a:1 @x<>"),
        ("a: 1 @x(user@host)", "a:1 @x<user@host>"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}

#[test]
fn structs_embed_and_stay_open() {
    let table = [
        ("a: {#B, c: 1, ...}", "a:{#B; c:1; ...}"),
        ("{...\nb: 1}", "{...; b:1}"),
        ("a.b.c\nf(1)\n-1 < 2", "a.b.c; f(1); <Minus<1> Less 2>"),
        ("\"x\"", "\"x\""),
        ("if\nfor\nin\nnull", "if; for; in; null"),
    ];
    for (text, tree) in table {
        assert_eq!(file(text), tree, "{text}");
    }
}
