//! `crypto/…`, `uuid`, `html` and `text/tabwriter`

use proptest::prelude::*;
use shipway_cue::data::Data;

use super::{b, call, check, i, l, n, s};

fn unhex(digits: &str) -> Data {
    call("encoding/hex", "Decode", &[s(digits)]).expect("hexadecimal")
}

fn hex_of(path: &str, name: &str, args: &[Data]) -> String {
    match call("encoding/hex", "Encode", &[call(path, name, args).expect("hashes")]) {
        Ok(Data::String(text)) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn hashes() {
    let cases = [
        ("crypto/md5", "Sum", "900150983cd24fb0d6963f7d28e17f72"),
        ("crypto/sha1", "Sum", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("crypto/sha256", "Sum224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ("crypto/sha256", "Sum256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("crypto/sha512", "Sum512_224", "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
        ("crypto/sha512", "Sum512_256", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        (
            "crypto/sha512",
            "Sum384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "crypto/sha512",
            "Sum512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    for (path, name, digest) in cases {
        assert_eq!(hex_of(path, name, &[s("abc")]), digest, "{path}.{name}");
        assert_eq!(hex_of(path, name, &[b(b"abc")]), digest, "{path}.{name}");
    }
}

#[test]
fn keyed_hashes() {
    let fox = s("The quick brown fox jumps over the lazy dog");
    let cases = [
        ("MD5", "80070713463e7749b90c2dc24911e275"),
        ("SHA1", "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
        ("SHA256", "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"),
    ];
    for (name, digest) in cases {
        assert_eq!(hex_of("crypto/hmac", "Sign", &[s(name), s("key"), fox.clone()]), digest, "{name}");
    }
    check("crypto/hmac", &[("Sign", &[s("SHA3"), s(""), s("")], "!unsupported hash function")]);
}

/// The first and the third test vector of RFC 8032.
#[test]
fn signatures() {
    let key = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                     5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    let key_three = unhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    let signature_three = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                           18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
    // The same with a response that is too large by the order of the base point.
    let large = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                 4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b";
    let not_on_curve = unhex("0200000000000000000000000000000000000000000000000000000000000000");
    check(
        "crypto/ed25519",
        &[
            ("Valid", &[key.clone(), s(""), unhex(signature)], "true"),
            ("Valid", &[key.clone(), s("x"), unhex(signature)], "false"),
            ("Valid", &[key_three, b(&[0xaf, 0x82]), unhex(signature_three)], "true"),
            ("Valid", &[key.clone(), s(""), unhex(large)], "false"),
            ("Valid", &[key.clone(), s(""), s("short")], "false"),
            ("Valid", &[not_on_curve, s(""), unhex(signature)], "false"),
            ("Valid", &[s("short"), s(""), unhex(signature)], "!must be 32 bytes, not 5"),
        ],
    );
}

#[test]
fn uuids() {
    let dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    check(
        "uuid",
        &[
            ("SHA1", &[s(dns), s("www.example.com")], r#""2ed6657d-e927-568b-95e1-2665a8aea6a2""#),
            ("MD5", &[s(dns), b(b"www.example.com")], r#""5df41881-3aed-3515-88a7-2f4a814cf09e""#),
            ("Valid", &[s(dns)], "true"),
            ("Valid", &[s(&dns.to_uppercase())], "!invalid UUID"),
            ("Valid", &[s("6ba7b8109dad11d180b400c04fd430c8")], "!invalid UUID"),
            ("Parse", &[s("6BA7B8109DAD11D180B400C04FD430C8")], &format!("{dns:?}")),
            ("Parse", &[s("{6ba7b810-9dad-11d1-80b4-00c04fd430c8}")], &format!("{dns:?}")),
            ("Parse", &[s("URN:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8")], &format!("{dns:?}")),
            ("Parse", &[s("6ba7b810x9dad-11d1-80b4-00c04fd430c8")], "!invalid UUID"),
            ("Parse", &[s("éééééééééééééééé")], "!invalid UUID"),
            ("Parse", &[s("")], "!invalid UUID"),
            ("URN", &[s(dns)], r#""urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8""#),
            ("ToString", &[s(dns)], &format!("{dns:?}")),
            ("FromInt", &[n("0x6ba7b810_9dad_11d1_80b4_00c04fd430c8")], &format!("{dns:?}")),
            ("FromInt", &[i(1)], r#""00000000-0000-0000-0000-000000000001""#),
            ("FromInt", &[n("0x1_0000_0000_0000_0000_0000_0000_0000_0000")], "!more than 128 bits"),
            ("ToInt", &[s("AB")], "16706"),
            ("Version", &[s(dns)], "1"),
            ("Variant", &[s(dns)], "1"),
            ("Variant", &[s("6ba7b810-9dad-11d1-00b4-00c04fd430c8")], "2"),
            ("Variant", &[s("6ba7b810-9dad-11d1-c0b4-00c04fd430c8")], "3"),
            ("Variant", &[s("6ba7b810-9dad-11d1-e0b4-00c04fd430c8")], "4"),
        ],
    );
}

#[test]
fn html() {
    check(
        "html",
        &[
            ("Escape", &[s("<a href='x'>\"&é</a>")], r#""&lt;a href=&#39;x&#39;&gt;&#34;&amp;é&lt;/a&gt;""#),
            ("Unescape", &[s("&lt;&#225;&#xE1;&#X41;&amp;lt;")], r#""<ááA&lt;""#),
            ("Unescape", &[s("a & b &#; &#x; &")], "\"a & b &#; \u{fffd} &\""),
            ("Unescape", &[s("&#128;&#0;&#xD800;&#99999999999;&#65x")], "\"€\u{fffd}\u{fffd}\u{fffd}Ax\""),
            ("Unescape", &[s("&#1 &#12 &#x1")], r#""&#1 \u{c} \u{1}""#),
            ("Unescape", &[s("&eacute;&nbsp;&hearts;&NotEqualTilde;")], r#""é\u{a0}♥≂\u{338}""#),
            ("Unescape", &[s("&ampx &lt &notit; &notin; &copy2 &COPY")], r#""&x < ¬it; ∉ ©2 ©""#),
            ("Unescape", &[s("&foo; &hearts &a &l; &é;")], r#""&foo; &hearts &a &l; &é;""#),
        ],
    );
}

#[test]
fn columns() {
    check(
        "text/tabwriter",
        &[
            ("Write", &[s("a\tb\tc\naaa\tbb\tvv")], r#""a   b  c\naaa bb vv""#),
            ("Write", &[l(&[s("a\tb"), b(b"ccc\td")])], r#""a   b\nccc d\n""#),
            ("Write", &[s("é\tb\n\taa\tx\nc\n\td\n")], r#""é b\n  aa x\nc\n d\n""#),
            ("Write", &[s("a\tb\nlong line\naaaa\tb\n")], r#""a b\nlong line\naaaa b\n""#),
            ("Write", &[s("a\t\tx\nb\tyy\tz\n")], r#""a    x\nb yy z\n""#),
            ("Write", &[s("a\tb\u{c}ccc\td")], r#""a b\nccc d""#),
            ("Write", &[s("a\tb\nccc\t")], r#""a b\nccc""#),
            ("Write", &[s("a\tb\nccc\t\n")], r#""a   b\nccc \n""#),
            ("Write", &[s("")], r#""""#),
            ("Write", &[i(1)], "!unsupported type int"),
            ("Write", &[l(&[i(1)])], "!must be bytes or a string, not int"),
        ],
    );
}

proptest! {
    #[test]
    fn html_reads_back(text in "\\PC{0,10}|[&<>#;a'\"]{0,8}") {
        let escaped = call("html", "Escape", &[s(&text)]).expect("escapes");
        prop_assert_eq!(call("html", "Unescape", &[escaped]), Ok(s(&text)));
    }

    #[test]
    fn cells_stay_in_their_order(text in "[ab\t\n]{0,20}") {
        let Ok(Data::String(out)) = call("text/tabwriter", "Write", &[s(&text)]) else { panic!("writes") };
        let letters = |text: &str| text.replace(['\t', ' '], "");
        prop_assert_eq!(letters(&out), letters(&text));
    }
}
