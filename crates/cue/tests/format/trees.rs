//! Trees without a source to text.

use shipway_cue::format::{
    format_decls, format_expr, format_expr_on_one_line, is_plain_label, quote_bytes, quote_label, quote_string,
};
use shipway_cue::source::FileId;
use shipway_cue::syntax::{parse_expr, parse_file};

fn expr(text: &str) -> shipway_cue::syntax::ast::Expr {
    let (expr, errors) = parse_expr(FileId(0), text);
    assert!(errors.is_empty(), "{errors:?} in {text}");
    expr
}

#[test]
fn structs_take_lines_and_lists_one() {
    let table = [
        ("1 + 2*3", "1 + 2*3"),
        (
            "{a: 1, long: \"x\", l: [1, 2, {b: c: 3}]}",
            "{\n\ta:    1\n\tlong: \"x\"\n\tl: [1, 2, {\n\t\tb: c: 3\n\t}]\n}",
        ),
        ("{}", "{}"),
        ("[]", "[]"),
        ("\"a\\nb\\n\"", "\"\"\"\n\ta\n\tb\n\n\t\"\"\""),
        ("{s: \"a \\\"\\\"\\\" \\\\\\nb\"}", "{\n\ts: \"\"\"\n\t\ta \"\"\\\" \\\\\n\t\tb\n\t\t\"\"\"\n}"),
        ("#A & {b?: int, [=~\"x\"]: _, ...}", "#A & {\n\tb?:      int\n\t[=~\"x\"]: _\n\t...\n}"),
        ("[for k, v in x if v > 1 {k}]", "[for k, v in x if v > 1 {\n\tk\n}]"),
    ];
    for (text, expected) in table {
        assert_eq!(format_expr(&expr(text)), expected, "{text}");
    }
}

#[test]
fn messages_show_one_line() {
    let text = "{a: 1, b: [x[1:], f(2).\"c d\", *\"e\\nf\" | string], \"g\\(h)\": < -1, if i {j: 'k\\xff'}}";
    assert_eq!(format_expr_on_one_line(&expr(text)), text);
}

#[test]
fn parentheses_stand_where_the_tree_needs_them() {
    use shipway_cue::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
    let span = shipway_cue::source::Span::new(FileId(0), 0, 0);
    let of = |kind| Box::new(Expr { kind, span });
    let binary = |op, left: &str, right: &str| ExprKind::Binary {
        op,
        op_span: span,
        left: Box::new(expr(left)),
        right: Box::new(expr(right)),
    };
    let sum = binary(BinaryOp::Add, "a", "b");
    let product =
        ExprKind::Binary { op: BinaryOp::Multiply, op_span: span, left: of(sum.clone()), right: of(sum.clone()) };
    let negated = ExprKind::Unary { op: UnaryOp::Minus, of: of(sum.clone()) };
    let called = ExprKind::Call { of: of(sum), args: Vec::new() };
    for (kind, expected) in [(product, "(a + b) * (a + b)"), (negated, "-(a + b)"), (called, "(a + b)()")] {
        assert_eq!(format_expr_on_one_line(&of(kind)), expected);
    }
}

#[test]
fn declarations_are_a_file() {
    let text = "a: 1\nlonger: {\n\tb: c: 2\n}\nlet x = a\nif x > 1 {\n\td: x\n}\n...\n@e(f)\n";
    let (file, errors) = parse_file(FileId(0), text);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(format_decls(&file.decls), text);
}

#[test]
fn quoting() {
    assert_eq!(quote_string("a\"\\\n\t\u{1}é"), r#""a\"\\\n\t\u0001é""#);
    assert_eq!(quote_bytes(b"a'\"\xff\n"), r#"'a\'"\xff\n'"#);
    for (name, label) in
        [("a", "a"), ("a1", "a1"), ("a-b", "\"a-b\""), ("_a", "\"_a\""), ("#a", "\"#a\""), ("", "\"\"")]
    {
        assert_eq!(quote_label(name), label);
        assert_eq!(is_plain_label(name), name == label);
    }
}
