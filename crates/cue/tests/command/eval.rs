//! `eval` and `def`: arguments and what is printed, side by side.

use shipway_cue::command::{DONE, REFUSED, USAGE, WRONG};

use super::run::{cue, folder};

fn check(files: &[(&str, &str)], table: &[(&str, u8, &str)]) {
    let folder = folder(&files.iter().map(|(name, text)| format!("-- {name} --\n{text}")).collect::<String>());
    for (arguments, status, expected) in table {
        let ran = cue(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!((ran.status, ran.out.as_str()), (*status, *expected), "{arguments}\n{}", ran.err);
    }
}

const APP: &str = "\
a: *1 | int
b: {
	c: string
	d?: int
	_e: a + 1
}
#F: {g!: int}
h: b.c + \"!\" @attribute(x)
t: string @tag(t)
";

#[test]
fn values_are_printed_as_cue() {
    check(
        &[("x.cue", APP)],
        &[
            ("eval x.cue", DONE, "a: 1\nb: {\n    c: string\n}\n#F: {\n    g!: int\n}\nh: b.c + \"!\"\nt: string\n"),
            ("eval x.cue -e b -H", DONE, "c:  string\n_e: 2\n"),
            ("eval x.cue -e b -O", DONE, "c:  string\nd?: int\n"),
            ("eval x.cue -e b -a", DONE, "c:  string\nd?: int\n_e: 2\n"),
            ("eval x.cue -e b.c -e a", DONE, "// b.c\nstring\n// a\n1\n"),
            ("eval x.cue -e t -t t=v", DONE, "\"v\"\n"),
            ("eval x.cue -e h", DONE, "C + \"!\"\nlet C = string\n"),
            ("eval x.cue -e a -c", DONE, "1\n"),
            ("eval x.cue -e b -c", WRONG, ""),
            ("eval x.cue -e a --out json", DONE, "1\n"),
            ("eval x.cue -e b --out json", WRONG, ""),
            ("eval x.cue -o cue:- -e a", DONE, "1\n"),
            (
                "eval x.cue -A",
                DONE,
                "a: 1\nb: {\n    c: string\n}\n#F: {\n    g!: int\n}\nh: b.c + \"!\" @attribute(x)\nt: string    @tag(t)\n",
            ),
            ("eval x.cue --nope", USAGE, ""),
        ],
    );
}

#[test]
fn data_files_are_part_of_what_is_printed() {
    check(
        &[
            ("s.cue", "n: int\nm: n + 1\n"),
            ("d.json", "{\"n\": 4}"),
            ("w.yaml", "n: x\n"),
            ("t.cue", "#T: {n: int, m: string}\n"),
            ("many.yaml", "n: 1\n---\nn: 2\nm: y\n"),
        ],
        &[
            ("eval s.cue d.json", DONE, "n: 4\nm: 5\n"),
            ("eval s.cue d.json -l \"d\"", DONE, "d: {\n    n: 4\n}\nn: int\nm: n + 1\n"),
            ("eval s.cue w.yaml", WRONG, ""),
            ("eval t.cue many.yaml -d #T", DONE, "n: 1\nm: string\n// ---\nn: 2\nm: \"y\"\n"),
            ("eval t.cue many.yaml -d #T --out jsonl -c", WRONG, ""),
            ("def t.cue many.yaml -d #T", REFUSED, ""),
        ],
    );
}

#[test]
fn several_packages_are_told_apart() {
    check(
        &[
            ("cue.mod/module.cue", "module: \"example.com/m\"\nlanguage: version: \"v0.17.0\"\n"),
            ("a/a.cue", "package a\nx: 1\nl: [2]\n"),
            ("b/b.cue", "package b\nimport \"example.com/m/a\"\ny: a.x & z\nz: number\nw: a.l[z]\n"),
        ],
        &[
            (
                "eval ./...",
                DONE,
                "// example.com/m/a@v0:a\nx: 1\nl: [2]\n// example.com/m/b@v0:b\nimport \"example.com/m/a@v0\"\n\n\
                 y: 1\nz: number\nw: a.l[z]\n",
            ),
            ("eval ./a", DONE, "x: 1\nl: [2]\n"),
        ],
    );
}

#[test]
fn definitions_are_printed() {
    check(
        &[
            ("a.cue", "package p\n\nimport \"strings\"\n\nn: strings.ToUpper(m)\nx: a: int\n#A: {b: m, c?: int}\n"),
            ("b.cue", "package p\n\nm: string\nx: {a: 1, d: #A}\n"),
            ("wrong.cue", "package p\n\nm: 1\n"),
        ],
        &[
            (
                "def a.cue b.cue",
                DONE,
                "package p\n\nimport \"strings\"\n\nn: strings.ToUpper(m)\nx: {\n\ta: int & 1\n\td: #A\n}\n\
                 #A: {\n\tb:  m\n\tc?: int\n}\nm: string\n",
            ),
            ("def a.cue b.cue -e x", DONE, "a: 1\nd: close({\n\tb:  string\n\tc?: int\n})\n"),
            ("def a.cue b.cue -e x.a -e #A.c", WRONG, ""),
            (
                "def a.cue b.cue -e x.a -e n",
                DONE,
                "1\n// ---\nimport \"strings\"\n\nstrings.ToUpper(M)\nlet M = string\n",
            ),
            ("def a.cue b.cue wrong.cue", WRONG, ""),
            ("def a.cue b.cue -A -e x.a", DONE, "1\n"),
            ("def a.cue b.cue --inline-imports", REFUSED, ""),
            ("def a.cue b.cue --out json", REFUSED, ""),
        ],
    );
}
