//! Numbers: literals, text, arithmetic, order.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use proptest::prelude::*;
use shipway_cue::number::{Number, NumberError};

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
}

#[test]
fn literals_are_read() {
    let cases = [
        ("0", "0", true),
        ("42", "42", true),
        ("-7", "-7", true),
        ("1_000_000", "1000000", true),
        ("0x1F", "31", true),
        ("0Xff_ff", "65535", true),
        ("0o17", "15", true),
        ("0b1_01", "5", true),
        ("1K", "1000", true),
        ("1Ki", "1024", true),
        ("1.5G", "1500000000", true),
        ("1.5Mi", "1572864", true),
        (".5K", "500", true),
        ("2T", "2000000000000", true),
        ("1Pi", "1125899906842624", true),
        ("0K", "0", true),
        ("1.50", "1.50", false),
        ("1.", "1", false),
        (".25", "0.25", false),
        ("072.40", "72.40", false),
        ("1e3", "1E+3", false),
        ("1E+3", "1E+3", false),
        ("15e2", "1.5E+3", false),
        ("1.0", "1.0", false),
        ("0.0", "0.0", false),
        ("-0.0", "0.0", false),
        ("0.000001", "0.000001", false),
        ("0.0000001", "1E-7", false),
        ("1.5e-3", "0.0015", false),
        ("1e100", "1E+100", false),
        ("1e100000", "1E+100000", false),
        ("170141183460469231731687303715884105728", "170141183460469231731687303715884105728", true),
    ];
    for (literal, text, int) in cases {
        let number = number(literal);
        assert_eq!((number.to_string().as_str(), number.is_int()), (text, int), "{literal}");
    }
}

#[test]
fn what_is_no_literal_is_none() {
    let cases = [
        "",
        "-",
        "+1",
        "--1",
        "_1",
        "1_",
        "1__0",
        "01",
        "0x",
        "0xg",
        "0b2",
        "0o8",
        "e3",
        ".",
        ".e1",
        "1e",
        "1e+",
        "1.5.2",
        "1.1Ki",
        "1i",
        "Ki",
        "i",
        "1Ei",
        "1e3K",
        "1 ",
        "½",
        "1½",
        "0x_1",
        "1e100001",
        "1e-100001",
        "1e999999999",
        "1e99999999999999999999",
        "NaN",
        "Infinity",
    ];
    for text in cases {
        assert_eq!(Number::parse(text).map(|number| number.to_string()), None, "{text}");
    }
}

#[test]
fn floats_show_that_they_are() {
    let cases = [("1.", "1.0"), ("1.50", "1.50"), ("1e3", "1E+3"), ("1e-7", "1E-7"), ("12", "12"), ("-3.", "-3.0")];
    for (literal, text) in cases {
        assert_eq!(number(literal).literal(), text, "{literal}");
    }
}

#[test]
fn plain_text_has_no_exponent() {
    let cases = [("1e3", "1000"), ("-1.5e-8", "-0.000000015"), ("0e5", "0"), ("12.30", "12.30"), ("5.0E+2", "500")];
    for (literal, text) in cases {
        assert_eq!(number(literal).plain_text(), text, "{literal}");
    }
}

type Operator = fn(&Number, &Number) -> Result<Number, NumberError>;

#[test]
fn arithmetic_is_that_of_decimals() {
    let cases: [(&str, Operator, &str, &str); 22] = [
        ("1", Number::add, "2", "3"),
        ("3.0", Number::add, "1", "4.0"),
        ("1.50", Number::add, "1.5", "3.00"),
        ("1e3", Number::add, "1", "1001"),
        ("0.1", Number::add, "0.2", "0.3"),
        ("1", Number::sub, "1.00", "0.00"),
        ("9999999999999999999999999999999999", Number::add, "1", "10000000000000000000000000000000000"),
        ("10000000000000000000000000000000001", Number::add, "1", "10000000000000000000000000000000002"),
        ("10000000000000000000000000000000001.0", Number::add, "0.5", "1.000000000000000000000000000000000E+34"),
        (
            "0.9999999999999999999999999999999999",
            Number::add,
            "0.00000000000000000000000000000000005",
            "1.000000000000000000000000000000000",
        ),
        ("1.5", Number::mul, "2", "3.0"),
        ("1e50000", Number::mul, "1e50000", "1E+100000"),
        ("6", Number::divide, "2", "3.0"),
        ("1", Number::divide, "3", "0.3333333333333333333333333333333333"),
        ("2", Number::divide, "3", "0.6666666666666666666666666666666667"),
        ("-2", Number::divide, "3", "-0.6666666666666666666666666666666667"),
        ("1", Number::divide, "8", "0.125"),
        ("100", Number::divide, "1", "1.0E+2"),
        ("1.0", Number::divide, "4.00", "0.25"),
        ("0", Number::divide, "5", "0"),
        ("4.0", Number::divide, "2.0", "2.0"),
        ("1T", Number::divide, "2.0", "5.0E+11"),
    ];
    for (left, operator, right, text) in cases {
        let result = operator(&number(left), &number(right)).map(|result| result.to_string());
        assert_eq!(result.as_deref(), Ok(text), "{left} and {right}");
    }
}

#[test]
fn division_of_integers_has_two_kinds() {
    // (left, right, div, mod, quo, rem)
    let cases =
        [(7, 2, 3, 1, 3, 1), (-7, 2, -4, 1, -3, -1), (7, -2, -3, 1, -3, 1), (-7, -2, 4, 1, 3, -1), (6, 3, 2, 0, 2, 0)];
    for (left, right, div, modulo, quo, rem) in cases {
        let (a, b) = (Number::int(left), Number::int(right));
        let results =
            [a.div(&b), a.modulo(&b), a.quo(&b), a.rem(&b)].map(|result| result.map(|number| number.to_i64()));
        assert_eq!(results, [div, modulo, quo, rem].map(|value| Ok(Some(value))), "{left} and {right}");
    }
}

#[test]
fn impossible_computations_say_why() {
    let zero = Number::int(0);
    assert_eq!(number("1").divide(&zero), Err(NumberError::DivisionByZero));
    assert_eq!(zero.divide(&number("0.0")), Err(NumberError::DivisionUndefined));
    assert_eq!(number("1").rem(&zero), Err(NumberError::DivisionByZero));
    assert_eq!(number("1.0").div(&number("1")), Err(NumberError::NotAnInteger));
    assert_eq!(number("1e99999").mul(&number("10.0")).map(|n| n.to_string()), Ok("1.00E+100000".to_owned()));
    assert_eq!(number("1e99999").mul(&number("100.0")), Err(NumberError::OutOfBounds));
    assert_eq!(number("1e-99999").divide(&number("100")), Err(NumberError::OutOfBounds));
}

#[test]
fn precision_counts_digits_that_say_something() {
    let long = "12345678901234567890123456789012345";
    let cases = [("9999999999999999999999999999999999", true), (long, false), ("-123e40", true), ("0", true)];
    for (text, expected) in cases {
        assert_eq!(number(text).is_within_precision(), expected, "{text}");
    }
    let power = number("1T").mul(&number("1T")).and_then(|n| n.mul(&number("1T"))).expect("in bounds");
    assert!(power.is_within_precision(), "10^36 has one digit");
}

#[test]
fn integers_are_found_in_floats() {
    let cases =
        [("1e3", Some(1000)), ("1.50", None), ("2.00", Some(2)), ("-3", Some(-3)), ("1e30", None), ("0e9", Some(0))];
    for (text, expected) in cases {
        assert_eq!(number(text).to_i64(), expected, "{text}");
    }
    assert_eq!(number("1e30").to_integer().map(|value| value.to_string().len()), Some(31));
}

#[test]
fn binary_floats_are_read_by_their_shortest_text() {
    let cases = [(0.1, "0.1"), (1e21, "1E+21"), (1.5e-10, "1.5E-10"), (3.0, "3"), (-2.5, "-2.5")];
    for (value, text) in cases {
        assert_eq!(Number::from_f64(value).map(|number| number.to_string()).as_deref(), Some(text));
    }
    assert_eq!(Number::from_f64(f64::NAN), None);
    assert_eq!(Number::from_f64(f64::INFINITY), None);
    assert_eq!(number("1e400").to_f64(), f64::INFINITY);
}

fn hash(number: &Number) -> u64 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    hasher.finish()
}

fn any_number() -> impl Strategy<Value = Number> {
    (any::<i64>(), -40i32..40, any::<bool>()).prop_map(|(coefficient, exponent, int)| match int {
        true => Number::int(coefficient),
        false => Number::float(coefficient, exponent).expect("in bounds"),
    })
}

proptest! {
    #[test]
    fn text_reads_back(value in any_number()) {
        let back = number(&value.literal());
        prop_assert_eq!(back.is_int(), value.is_int());
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(&number(&value.plain_text()), &value);
    }

    #[test]
    fn equal_values_have_equal_hashes(coefficient in any::<i32>(), zeros in 0u32..9) {
        let int = Number::int(coefficient);
        let long = i64::from(coefficient) * 10i64.pow(zeros);
        let float = Number::float(long, -(zeros as i32)).expect("in bounds");
        prop_assert_eq!(&int, &float);
        prop_assert_eq!(hash(&int), hash(&float));
    }

    #[test]
    fn order_is_that_of_differences(a in any_number(), b in any_number()) {
        let difference = a.sub(&b).expect("in bounds");
        prop_assert_eq!(a.cmp(&b), difference.cmp(&Number::int(0)));
        prop_assert_eq!(b.cmp(&a), a.cmp(&b).reverse());
    }

    #[test]
    fn integers_are_exact(a in any::<i64>(), b in any::<i64>()) {
        let (x, y) = (Number::int(a), Number::int(b));
        let (a, b) = (i128::from(a), i128::from(b));
        prop_assert_eq!(x.add(&y), Ok(Number::int(a + b)));
        prop_assert_eq!(x.mul(&y), Ok(Number::int(a * b)));
        if b != 0 {
            prop_assert_eq!(x.div(&y), Ok(Number::int(a.div_euclid(b))));
            prop_assert_eq!(x.modulo(&y), Ok(Number::int(a.rem_euclid(b))));
            prop_assert_eq!(x.quo(&y), Ok(Number::int(a / b)));
            prop_assert_eq!(x.rem(&y), Ok(Number::int(a % b)));
        }
    }

    #[test]
    fn quotients_are_the_nearest_of_34_digits(a in any::<i64>(), b in 1i64..) {
        let quotient = Number::int(a).divide(&Number::int(b)).expect("in bounds");
        // |quotient * b - a| <= b / 2 units of the last of 34 places, without rounding on the way.
        let exponent = quotient.exponent();
        let places = u32::try_from(-exponent).expect("no quotient of two i64 is that large");
        let scaled = quotient.coefficient() * b - num_bigint::BigInt::from(a) * num_bigint::BigInt::from(10).pow(places);
        let digits = quotient.coefficient().magnitude().to_string().len() as u32;
        prop_assert!(digits <= 34);
        let finer = num_bigint::BigInt::from(10).pow(34 - digits);
        prop_assert!(scaled.magnitude() * finer.magnitude() * 2u8 <= num_bigint::BigUint::from(b.unsigned_abs()));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,12}|[-0-9_.eExXobKMGTPi]{0,12}") {
        if let Some(number) = Number::parse(&text) {
            prop_assert_eq!(Number::parse(&number.literal()), Some(number));
        }
    }
}
