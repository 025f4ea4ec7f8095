//! Any text, however senseless or costly, ends within its limits, with a value or with errors: no panic, no hang.
//!
//! `CUE_FUZZ_CASES` sets how many random inputs are tried, `CUE_FUZZ_SEED` where they begin; `CUE_FUZZ_TRACE` names a
//! file that holds the input being tried, for one that never ends.

mod evaluation;

use evaluation::{Outcome, evaluate};
use shipway_cue::Limits;
use shipway_cue::error::Code;

/// So small that what grows without bounds ends soon.
const LIMITS: Limits = Limits {
    max_vertices: 20_000,
    max_depth_vertices: 300,
    max_steps: 100_000,
    max_alternatives: 1_000,
    max_references: 200,
};

/// Numbers that look random and are the same every time (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Tries as many inputs as asked for; those of one seed and number are always the same.
fn fuzz(otherwise: u64, salt: u64, input: impl Fn(&mut Random) -> String) {
    let (cases, seed) = (setting("CUE_FUZZ_CASES", otherwise), setting("CUE_FUZZ_SEED", 0));
    for number in seed..seed + cases {
        let text = input(&mut Random(salt << 40 | number));
        if let Ok(trace) = std::env::var("CUE_FUZZ_TRACE") {
            std::fs::write(format!("{trace}.{salt}"), &text).expect("the trace can be written");
        }
        let run = std::panic::catch_unwind(|| evaluate(&[("x.cue", &text)], &[], LIMITS));
        assert!(run.is_ok(), "input {number} panicked:\n{text}");
    }
}

const TOKENS: &[&str] = &[
    "a",
    "b",
    "c",
    "#D",
    "_h",
    "x",
    "x",
    ":",
    ":",
    ":",
    "?:",
    "!:",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    "\n",
    "\n",
    "...",
    "|",
    "*",
    "&",
    "+",
    "-",
    "/",
    "==",
    "!=",
    "<",
    ">=",
    "=~",
    "!",
    "&&",
    "||",
    ".",
    "_",
    "_|_",
    "1",
    "0",
    "-1",
    "2.5",
    "1Ki",
    "1e9",
    "\"s\"",
    "'b'",
    "\"\\(a)\"",
    "\"\\(x.a)\"",
    "\"^a\"",
    "null",
    "true",
    "int",
    "string",
    "number",
    "bytes",
    "let v = a\n",
    "if a > 1 {",
    "for k, v in x {",
    "for v in [1, 2, a] {",
    "in",
    "len(x)",
    "close(x)",
    "and(x)",
    "or(x)",
    "div(a, b)",
    "mod(1, 0)",
    "[string]: ",
    "[=~\"a\"]: ",
    "X=",
    "x: a: ",
    "a: b\n",
    "b: a + 1\n",
    "matchN(1, [a, b])",
    "error(\"e\")",
    "\"\"\"\n\ta\n\t\"\"\"",
    "#\"\\#(a)\"#",
    "@a(b)",
    "import \"strings\"\n",
    "strings.Repeat(\"a\", b)",
    "import \"list\"\n",
    "list.Sort(x, list.Ascending)",
    "package p\n",
    "try",
    "else",
    "__no",
    "é",
    "\u{0}",
];

#[test]
fn soups_of_tokens_end() {
    fuzz(1_500, 1, |random| {
        let count = random.below(40);
        (0..count).map(|_| random.pick(TOKENS).to_owned() + random.pick(&["", " ", " "])).collect()
    });
}

const LABELS: &[&str] =
    &["a", "b", "c", "#D", "_h", "a?", "b!", "[string]", "[=~\"^a\"]", "\"\\(c)\"", "(b)", "let v ="];

const LEAVES: &[&str] = &[
    "a",
    "b",
    "c",
    "#D",
    "_h",
    "a.b",
    "b.c",
    "c.a.b",
    "#D.a",
    "a[0]",
    "a[b]",
    "1",
    "2",
    "\"s\"",
    "int",
    "string",
    "_",
    ">1",
    "{}",
    "[]",
    "_|_",
    "*1 | int",
    "\"\\(a)\"",
    "\"\\(b.c)\"",
    "len(a)",
    "close(b)",
    "and([a, b])",
    "or([a, b, c])",
    "[for v in a {v}]",
    "{for k, v in b {(k): v}}",
    "{for k, v in b {\"\\(k)x\": v}}",
    "matchN(1, [a, b])",
    "matchIf(a, b, c)",
    "!a",
    "-b",
    "a == _|_",
    "b != _|_",
];

/// A value that may refer to anything, itself too.
fn value(random: &mut Random, levels: usize) -> String {
    if levels == 0 || random.below(3) == 0 {
        return random.pick(LEAVES).to_owned();
    }
    match random.below(9) {
        0..=3 => format!("{{\n{}}}", fields(random, levels - 1)),
        4 => format!("[{}, ...{}]", value(random, levels - 1), value(random, levels - 1)),
        5 => format!("({} & {})", value(random, levels - 1), value(random, levels - 1)),
        6 => format!("({} | *{})", value(random, levels - 1), value(random, levels - 1)),
        7 => format!("({} {} {})", random.pick(LEAVES), random.pick(&["+", "*", "==", "<", "=~"]), random.pick(LEAVES)),
        _ => format!("({} | {})", value(random, levels - 1), value(random, levels - 1)),
    }
}

fn fields(random: &mut Random, levels: usize) -> String {
    let count = 1 + random.below(4);
    let field = |random: &mut Random| match random.below(8) {
        0 => format!("if {} {{{}}}\n", random.pick(&["a > 1", "b != _|_", "c == 1", "true"]), fields(random, 0)),
        1 => format!("{}\n", value(random, levels)),
        _ => match random.pick(LABELS) {
            label @ "let v =" => format!("{label} {}\nc: v\n", value(random, levels)),
            label => format!("{label}: {}\n", value(random, levels)),
        },
    };
    (0..count).map(|_| field(random)).collect()
}

#[test]
fn programs_that_refer_to_anything_end() {
    fuzz(800, 2, |random| fields(random, 3) + &fields(random, 2));
}

/// What experiments add.
const EXPERIMENTAL: &[&str] = &[
    "try {a: b?}",
    "try {b: a.c?, c: #D?.a} else {a: 1}",
    "try t = a? {b: t}",
    "try t = a? + c? try u = b[0]? {c: t, b: u} fallback {c: 1}",
    "if a > 1 {b: 2} else {b: 3}",
    "for k, v in b {(k): v} fallback {c: 1}",
    "a: [try {b?} else {1}]",
    "a: __reclose({b..., c: 1})",
    "b: __closeAll({a: b: 1})",
    "c: __reclose(close({#D..., b...}))",
    "#D...",
    "b~X: {c: X}",
    "c: self.a",
    "a: b && c || a",
];

#[test]
fn programs_with_experiments_end() {
    fuzz(400, 4, |random| {
        let mut text = "@experiment(try,explicitopen,aliasv2,shortcircuit)\n".to_owned();
        for _ in 0..1 + random.below(4) {
            text += &fields(random, 2);
            text += random.pick(EXPERIMENTAL);
            text.push('\n');
        }
        text
    });
}

/// A text with some stretches removed, doubled, moved or replaced by tokens.
fn mutated(random: &mut Random, text: &str) -> String {
    let mut pieces: Vec<&str> =
        text.split_inclusive([' ', '\n', ':', '.', '(', ')', '{', '}', '[', ']', ',']).collect();
    for _ in 0..1 + random.below(4) {
        let (from, to) = (random.below(pieces.len()), random.below(pieces.len()));
        match random.below(4) {
            0 if pieces.len() > 1 => drop(pieces.remove(from)),
            1 => pieces.insert(to, pieces[from]),
            2 => pieces.swap(from, to),
            _ => pieces[to] = random.pick(TOKENS),
        }
    }
    pieces.concat()
}

#[test]
fn mutations_of_good_configurations_end() {
    let good: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language"))
        .expect("the cases of the language are there")
        .map(|entry| std::fs::read_to_string(entry.expect("a file").path()).expect("it is text"))
        .flat_map(|text| text.split("\n=== ").map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|case| Some(case.split_once('\n')?.1.split("\n---").next()?.to_owned()))
        .filter(|text| !text.is_empty())
        .collect();
    assert!(good.len() > 50, "there is something to mutate: {}", good.len());
    fuzz(1_000, 3, |random| {
        let text = &good[random.below(good.len())];
        mutated(random, text)
    });
}

fn first(text: &str) -> Outcome {
    evaluate(&[("x.cue", text)], &[], LIMITS).1.remove(0)
}

/// What fails has to say that a limit was reached, or that a value holds itself.
fn ends(name: &str, text: &str) {
    if let Err(errors) = first(text) {
        let codes: Vec<Code> = errors.iter().map(|error| error.code).collect();
        assert!(!codes.is_empty(), "{name} failed without an error");
    }
}

fn is_refused(name: &str, text: &str, expected: &[Code]) {
    let errors = first(text).expect_err(name);
    assert!(errors.iter().any(|error| expected.contains(&error.code)), "{name}: {errors:?}");
}

#[test]
fn what_doubles_at_every_step_reaches_a_limit() {
    let laughs: String = (1..40).map(|n| format!("l{n}: [l{0}, l{0}, l{0}]\n", n - 1)).collect();
    is_refused("lists of lists", &format!("l0: \"ha\"\n{laughs}"), &[Code::Limit]);
    let structs: String = (1..40).map(|n| format!("s{n}: {{a: s{0}, b: s{0} & {{x: 1}}}}\n", n - 1)).collect();
    is_refused("structs of structs", &format!("s0: {{}}\n{structs}"), &[Code::Limit]);
    let strings: String = (1..64).map(|n| format!("t{n}: \"\\(t{0})\\(t{0})\"\n", n - 1)).collect();
    is_refused("texts of texts", &format!("t0: \"ha\"\n{strings}"), &[Code::Limit, Code::Conflict, Code::Unsupported]);
    let nested = (0..12).map(|n| format!("for a{n} in r ")).collect::<String>();
    is_refused(
        "comprehensions of comprehensions",
        &format!("r: [1, 2, 3, 4, 5]\nx: [{nested} {{1}}]\n"),
        &[Code::Limit],
    );
}

#[test]
fn disjunctions_that_multiply_end() {
    let fields: String = (0..30).map(|n| format!("x: {{a{n}: 1}} | {{b{n}: 2}}\n")).collect();
    is_refused("2^30 alternatives", &fields, &[Code::Limit]);
    let scalars: String = (0..60).map(|_| "x: 1 | 2 | 3\n").collect();
    ends("the same alternatives again and again", &format!("{scalars}x: 2\n"));
    let wide: String = (0..400).map(|n| format!(" | {n}")).collect();
    ends("wide by wide", &format!("x: string{wide}\nx: bytes{wide}\nx: 399\n"));
}

#[test]
fn what_feeds_itself_ends() {
    let table = [
        "a: {for k, v in a {\"\\(k)x\": v}, y: 1}",
        "a: [for v in a {v}, 1]",
        "a: {b: a}",
        "a: {b: c}\nc: {d: a}",
        "#L: {next: #L}\nl: #L",
        "a: b + 1\nb: a + 1",
        "a: \"\\(a)a\"",
        "a: [a]",
        "a: {if a.b == _|_ {b: 1}}",
        "x: {if y.a == _|_ {b: 1}}\ny: {if x.b == _|_ {a: 1}}",
        "a: {[string]: a}\na: x: {}",
        "a: x: a.y\na: y: a.x\na: {x: {b: y}}",
        "f: {in: _, out: {f & {in: 1}}.out}",
        "#F: {n: int, r: {if n > 0 {(#F & {\"n\": n - 1}).r}, if n <= 0 {0}}}\nx: (#F & {n: 100000}).r",
        "a: close(a)\nb: and([b, b])\nc: or([c, 1])\nd: len(d)\n",
        "a: matchN(1, [a])\na: 1",
        "let x = x\ny: x",
        "a: *a | b\nb: *b | a",
        "c: or([a, b, c]) | {#D.a}\n#D: {}\na: _\nb: {b: {[string]: \"s\", (b): >1}, c: close(b)}",
        "c: or([a, c]) | {}\na: _\nb: {b: {[string]: \"s\", b!: {for k, v in b {(k): v}}}, [=~\"^a\"]: b != _|_}",
    ];
    for text in table {
        ends(text, text);
    }
}

#[test]
fn what_is_nested_deeply_ends() {
    for levels in [100, 1_000, 20_000] {
        let nest = |open: &str, inner: &str, close: &str| open.repeat(levels) + inner + &close.repeat(levels);
        ends("structs", &format!("x: {}", nest("{a: ", "1", "}")));
        ends("chains", &format!("{}1", "a: ".repeat(levels)));
        ends("lists", &format!("x: {}", nest("[", "1", "]")));
        ends("parentheses", &format!("x: {}", nest("(", "1", ")")));
        ends("signs", &format!("x: {}1", "- ".repeat(levels)));
        ends("interpolations", &format!("x: {}", nest("\"\\(", "1", ")\"")));
        ends("calls", &format!("x: {}", nest("close(", "{}", ")")));
        ends("conditions", &format!("x: {}", nest("{if true ", "{}", "}")));
        ends("sums", &format!("x: 1{}", " + 1".repeat(levels)));
        ends("alternatives", &format!("x: 1{}", " | 1".repeat(levels)));
        ends("unifications", &format!("x: 1{}", " & 1".repeat(levels)));
        ends("selectors", &format!("x: x{}", ".a".repeat(levels)));
        let fields: String = (1..levels).map(|n| format!("f{n}: f{}\n", n - 1)).collect();
        ends("references", &format!("f0: 1\n{fields}"));
        let backwards: String = (1..levels).map(|n| format!("f{}: f{n} + 1\n", n - 1)).collect();
        ends("sums of references", &format!("{backwards}f{}: 1\n", levels - 1));
    }
}

#[test]
fn large_numbers_end() {
    let table = [
        "x: 1e99999 * 1e99999",
        "x: 1e-99999 / 3",
        "x: 1e999999999",
        "x: 999999999999999999999999 * 1Yi",
        "x: 10 * \"a\"",
        "x: 1000000000000 * \"a\"",
        "x: 1000000000000 * [1]",
        "import \"strings\"\nx: strings.Repeat(\"ab\", 1000000000000)",
        "import \"math\"\nx: math.Pow(10, 1000000)",
        "import \"list\"\nx: list.Range(0, 1e12, 1)",
        "import \"list\"\nx: list.Repeat([1, 2], 1000000000)",
        "x: [1][1e20]",
        "x: div(1e50, 0)",
        "x: [...int] & [1e9 * 1]",
        "import \"list\"\nx: list.Repeat([], 1000000000000)",
    ];
    for text in table {
        ends(text, text);
    }
}
