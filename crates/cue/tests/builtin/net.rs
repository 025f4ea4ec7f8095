//! `net`

use proptest::prelude::*;
use shipway_cue::data::Data;

use super::{b, call, check, i, l, n, s};

fn bytes(values: &[i64]) -> Data {
    l(&values.iter().map(|value| i(*value)).collect::<Vec<_>>())
}

#[test]
fn addresses_are_read() {
    check(
        "net",
        &[
            ("IP", &[s("1.2.3.4")], "true"),
            ("IP", &[b(b"::1")], "true"),
            ("IP", &[s("::1%eth0")], "true"),
            ("IP", &[bytes(&[1, 2, 3, 4])], "true"),
            ("IP", &[s("1.2.3")], "!is no IP address"),
            ("IP", &[s("1.2.3.04")], "!is no IP address"),
            ("IP", &[s("1.2.3.4%x")], "!is no IP address"),
            ("IP", &[s("::1%")], "!is no IP address"),
            ("IP", &[bytes(&[1, 2, 3])], "!is no IP address"),
            ("IP", &[bytes(&[1, 2, 3, 256])], "!is no IP address"),
            ("IP", &[i(1)], "!invalid type int"),
            ("IPv4", &[s("1.2.3.4")], "true"),
            ("IPv4", &[s("::ffff:1.2.3.4")], "false"),
            ("IPv6", &[s("::ffff:1.2.3.4")], "true"),
            ("IPv6", &[s("1.2.3.4")], "false"),
            ("ParseIP", &[s("1.2.3.4")], "[1, 2, 3, 4]"),
            ("ParseIP", &[s("x")], "!is no IP address"),
            ("ToIP4", &[s("1.2.3.4")], "[1, 2, 3, 4]"),
            ("ToIP4", &[s("::1")], "!is not of version 4"),
            ("ToIP16", &[s("1.2.3.4")], "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]"),
            ("IPString", &[l(&[n("1.0"), i(2), i(3), i(4)])], "!is no IP address"),
            ("IPString", &[s("2001:DB8:0:0:1:0:0:1")], r#""2001:db8::1:0:0:1""#),
            ("IPString", &[s("::FFFF:1.2.3.4")], r#""::ffff:1.2.3.4""#),
            ("IPString", &[s("fe80::1%en0")], r#""fe80::1%en0""#),
            ("IPString", &[bytes(&[9, 8, 7, 6])], r#""9.8.7.6""#),
        ],
    );
}

#[test]
fn addresses_have_scopes() {
    check(
        "net",
        &[
            ("LoopbackIP", &[s("127.1.2.3")], "true"),
            ("LoopbackIP", &[s("::1")], "true"),
            ("LoopbackIP", &[s("::ffff:127.0.0.1")], "true"),
            ("LoopbackIP", &[s("10.0.0.1")], "false"),
            ("MulticastIP", &[s("239.1.1.1")], "true"),
            ("MulticastIP", &[s("ff02::1")], "true"),
            ("InterfaceLocalMulticastIP", &[s("ff01::1")], "true"),
            ("InterfaceLocalMulticastIP", &[s("224.0.0.1")], "false"),
            ("LinkLocalMulticastIP", &[s("224.0.0.9")], "true"),
            ("LinkLocalMulticastIP", &[s("224.0.1.9")], "false"),
            ("LinkLocalMulticastIP", &[s("ff12::1")], "true"),
            ("LinkLocalUnicastIP", &[s("169.254.0.1")], "true"),
            ("LinkLocalUnicastIP", &[s("febf::1")], "true"),
            ("LinkLocalUnicastIP", &[s("fec0::1")], "false"),
            ("GlobalUnicastIP", &[s("10.0.0.1")], "true"),
            ("GlobalUnicastIP", &[s("255.255.255.255")], "false"),
            ("GlobalUnicastIP", &[s("127.0.0.1")], "false"),
            ("GlobalUnicastIP", &[s("::")], "false"),
            ("UnspecifiedIP", &[s("0.0.0.0")], "true"),
            ("UnspecifiedIP", &[s("::")], "true"),
            ("UnspecifiedIP", &[s("::1")], "false"),
        ],
    );
}

#[test]
fn networks() {
    check(
        "net",
        &[
            ("IPCIDR", &[s("10.1.2.3/8")], "true"),
            ("IPCIDR", &[s("::/0")], "true"),
            ("IPCIDR", &[s("10.1.2.3")], "!there is no /"),
            ("IPCIDR", &[s("10.1.2.3/33")], "!no count of its bits"),
            ("IPCIDR", &[s("10.1.2.3/08")], "!no count of its bits"),
            ("IPCIDR", &[s("10.1.2.3/+8")], "!no count of its bits"),
            ("IPCIDR", &[s("fe80::1%a/8")], "!has a zone"),
            ("IPCIDR", &[bytes(&[1, 2, 3, 4])], "!invalid type list"),
            ("InCIDR", &[s("10.1.2.3"), s("10.0.0.0/8")], "true"),
            ("InCIDR", &[s("11.1.2.3"), s("10.0.0.0/8")], "false"),
            ("InCIDR", &[s("11.1.2.3"), s("0.0.0.0/0")], "true"),
            ("InCIDR", &[s("10.0.0.1"), s("10.0.0.1/32")], "true"),
            ("InCIDR", &[s("::ffff:10.0.0.1"), s("10.0.0.0/8")], "false"),
            ("InCIDR", &[s("2001:db8::1"), s("2001:db8::/32")], "true"),
            ("AddIP", &[s("10.0.0.255"), i(1)], r#""10.0.1.0""#),
            ("AddIP", &[s("10.0.0.255/24"), i(-1)], r#""10.0.0.254/24""#),
            ("AddIP", &[s("::ffff"), n("0x1_0000_0000_0000_0000")], r#""::1:0:0:0:ffff""#),
            ("AddIP", &[s("255.255.255.255"), i(1)], "!overflow"),
            ("AddIP", &[s("0.0.0.0"), i(-1)], "!underflow"),
            ("AddIPCIDR", &[s("10.0.0.0/30"), i(2)], r#""10.0.0.8/30""#),
            ("AddIPCIDR", &[s("10.0.0.0/0"), i(1)], "!overflow"),
            (
                "ParseCIDR",
                &[s("10.20.30.40/20")],
                r#"{prefix_mask: "255.255.240.0", prefix_len: 20, prefix_addr: "10.20.16.0", broadcast_addr: "10.20.31.255"}"#,
            ),
            (
                "ParseCIDR",
                &[s("2001:db8::1/33")],
                r#"{prefix_mask: "ffff:ffff:8000::", prefix_len: 33, prefix_addr: "2001:db8::"}"#,
            ),
            ("CompareIP", &[s("9.9.9.9"), s("::1")], "-1"),
            ("CompareIP", &[s("10.0.0.2"), bytes(&[10, 0, 0, 1])], "1"),
            ("CompareIP", &[s("::1"), s("0:0:0:0:0:0:0:1")], "0"),
        ],
    );
}

#[test]
fn hosts() {
    check(
        "net",
        &[
            ("SplitHostPort", &[s("example.com:80")], r#"["example.com", "80"]"#),
            ("SplitHostPort", &[s("[::1%lo]:http")], r#"["::1%lo", "http"]"#),
            ("SplitHostPort", &[s(":80")], r#"["", "80"]"#),
            ("SplitHostPort", &[s("h:")], r#"["h", ""]"#),
            ("SplitHostPort", &[s("h")], "!missing port"),
            ("SplitHostPort", &[s("[::1]")], "!missing port"),
            ("SplitHostPort", &[s("[::1]x:1")], "!missing port"),
            ("SplitHostPort", &[s("::1:80")], "!too many colons"),
            ("SplitHostPort", &[s("[::1]:80:81")], "!too many colons"),
            ("SplitHostPort", &[s("[::1:80")], "!missing ']'"),
            ("SplitHostPort", &[s("a[b:80")], "!unexpected '['"),
            ("SplitHostPort", &[s("a]b:80")], "!unexpected ']'"),
            ("SplitHostPort", &[s("[a]:8]0")], "!unexpected ']'"),
            ("JoinHostPort", &[s("h"), s("80")], r#""h:80""#),
            ("JoinHostPort", &[s("::1"), i(80)], r#""[::1]:80""#),
            ("JoinHostPort", &[bytes(&[1, 2, 3, 4]), b(b"http")], r#""1.2.3.4:http""#),
            ("JoinHostPort", &[bytes(&[1, 2, 3]), i(80)], "!is no IP address"),
            ("JoinHostPort", &[i(1), i(80)], "!a host can't be a value of type int"),
            ("JoinHostPort", &[s("h"), n("1.5")], "!a port can't be a value of type float"),
            ("FQDN", &[s("Example.com.")], "true"),
            ("FQDN", &[s("localhost")], "true"),
            ("FQDN", &[s("a_b.com")], "false"),
            ("FQDN", &[s("a..com")], "false"),
            ("FQDN", &[s("-a.com")], "false"),
            ("FQDN", &[s("a-.com")], "false"),
            ("FQDN", &[s("ab--c.com")], "false"),
            ("FQDN", &[s("é.com")], "false"),
            ("FQDN", &[s("")], "false"),
            ("FQDN", &[s(".")], "false"),
            ("FQDN", &[s(&"a".repeat(64))], "false"),
            ("FQDN", &[s(&"a.".repeat(128))], "false"),
            ("FQDN", &[s(&format!("{}a", "a.".repeat(126)))], "true"),
            ("FQDN", &[s("xn--bcher-kva.com")], "!Punycode"),
        ],
    );
}

#[test]
fn escapes() {
    check(
        "net",
        &[
            ("PathEscape", &[s("a b/c?d&e+é:@,;")], r#""a%20b%2Fc%3Fd&e+%C3%A9:@%2C%3B""#),
            ("PathUnescape", &[s("a%20b%2fc+d")], r#""a b/c+d""#),
            ("PathUnescape", &[s("%zz")], r#"!invalid URL escape "%zz""#),
            ("PathUnescape", &[s("%4")], "!invalid URL escape"),
            ("PathUnescape", &[s("%ff")], "!not UTF-8"),
            ("QueryEscape", &[s("a b/c?d&e+é~")], r#""a+b%2Fc%3Fd%26e%2B%C3%A9~""#),
            ("QueryUnescape", &[s("a+b%2Bc")], r#""a b+c""#),
        ],
    );
}

#[test]
fn urls() {
    let right = [
        "",
        "a/b",
        "/a?b=%zz#c",
        "http://h",
        "http://h:80/p",
        "http://u:p%40@h/",
        "http://[::1%25en0]:1/",
        "mailto:a@b%",
        "*",
        "//h/p",
        "///p",
        "http://h%C3%A9/",
        "http://é/",
        "a;b",
        "?q",
        "#f",
        "http://h:/",
        "http://h\"/",
        "1a",
    ];
    let wrong = [
        "%",
        "/%4",
        ":a",
        "1a:b",
        "http://h:a/",
        "http://[::1/",
        "http://[x]/",
        "http://h%20/",
        "http://a b/",
        "http://u ser@h/",
        "\u{7f}",
        "a\nb",
        "#%",
        "http://h/%",
        "http://[::1]a/",
    ];
    for url in right {
        check("net", &[("URL", &[s(url)], "true")]);
    }
    for url in wrong {
        check("net", &[("URL", &[s(url)], "!")]);
    }
    check(
        "net",
        &[
            ("AbsURL", &[s("http://h/p")], "true"),
            ("AbsURL", &[s("mailto:x")], "true"),
            ("AbsURL", &[s("//h/p")], "!URL is not absolute"),
            ("URL", &[s("http://a:b:1/")], "!several colons"),
        ],
    );
}

proptest! {
    #[test]
    fn escapes_read_back(text in "\\PC{0,12}") {
        for way in ["Path", "Query"] {
            let escaped = call("net", &format!("{way}Escape"), &[s(&text)]).expect("escapes");
            prop_assert_eq!(call("net", &format!("{way}Unescape"), &[escaped]), Ok(s(&text)));
        }
    }

    #[test]
    fn hosts_and_ports_read_back(host in "[a-z0-9.:-]{0,8}", port in "[a-z0-9]{0,4}") {
        let joined = call("net", "JoinHostPort", &[s(&host), s(&port)]).expect("joins");
        prop_assert_eq!(call("net", "SplitHostPort", &[joined]), Ok(l(&[s(&host), s(&port)])));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9./:%@?#\\[\\] é]{0,14}") {
        for name in ["URL", "SplitHostPort", "IP", "IPCIDR", "FQDN"] {
            let _ = call("net", name, &[s(&text)]);
        }
    }
}
