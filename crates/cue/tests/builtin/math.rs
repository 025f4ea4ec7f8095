//! `math` and `math/bits`

use proptest::prelude::*;

use super::{builtin, call, check, i, n};
use shipway_cue::data::Data;
use shipway_cue::number::Number;

#[test]
fn rounding() {
    check(
        "math",
        &[
            ("Floor", &[n("2.9")], "2"),
            ("Floor", &[n("-2.2")], "-3"),
            ("Floor", &[n("29e2")], "2900"),
            ("Floor", &[n("1e40")], "!more than 34 digits"),
            ("Ceil", &[n("2.1")], "3"),
            ("Ceil", &[n("-2.9")], "-2"),
            ("Ceil", &[i(7)], "7"),
            ("Trunc", &[n("-2.9")], "-2"),
            ("Trunc", &[n("2.9")], "2"),
            ("Round", &[n("2.5")], "3"),
            ("Round", &[n("-2.5")], "-3"),
            ("Round", &[n("-2.4")], "-2"),
            ("Round", &[n("0.5")], "1"),
            ("RoundToEven", &[n("2.5")], "2"),
            ("RoundToEven", &[n("3.5")], "4"),
            ("RoundToEven", &[n("-2.5")], "-2"),
            ("RoundToEven", &[n("-3.5")], "-4"),
            ("RoundToEven", &[n("2.6")], "3"),
            ("RoundToEven", &[n("-0.5")], "0"),
        ],
    );
}

#[test]
fn signs_and_multiples() {
    check(
        "math",
        &[
            ("MultipleOf", &[i(6), i(3)], "true"),
            ("MultipleOf", &[i(7), i(3)], "false"),
            ("MultipleOf", &[i(0), i(3)], "true"),
            ("MultipleOf", &[i(5), n("2.5")], "true"),
            ("MultipleOf", &[i(5), i(0)], "!division by zero"),
            ("Abs", &[i(-3)], "3"),
            ("Abs", &[n("-2.50")], "2.50"),
            ("Abs", &[n("-2.0")], "2"),
            ("Copysign", &[n("3.5"), i(-1)], "-3.5"),
            ("Copysign", &[i(-3), i(1)], "3"),
            ("Dim", &[i(5), n("1.5")], "3.5"),
            ("Dim", &[i(1), i(5)], "0"),
            ("Signbit", &[i(-1)], "true"),
            ("Signbit", &[i(0)], "false"),
            ("Jacobi", &[i(2), i(7)], "1"),
            ("Jacobi", &[i(3), i(7)], "-1"),
            ("Jacobi", &[i(1001), i(9907)], "-1"),
            ("Jacobi", &[i(6), i(9)], "0"),
            ("Jacobi", &[i(3), i(8)], "!must be odd"),
        ],
    );
}

#[test]
fn powers_and_logarithms() {
    check(
        "math",
        &[
            ("Pow", &[i(4), i(4)], "256"),
            ("Pow", &[i(10), i(30)], "1000000000000000000000000000000"),
            ("Pow", &[n("2.5"), i(2)], "6.25"),
            ("Pow", &[i(2), i(-2)], "0.2500000000000000000000000000000000"),
            ("Pow", &[i(2), n("0.5")], "1.414213562373095048801688724209698"),
            ("Pow", &[i(-2), i(3)], "-8"),
            ("Pow", &[i(-2), n("0.5")], "!no number is the result"),
            ("Pow", &[i(0), i(0)], "!no number is the result"),
            ("Pow", &[i(0), i(5)], "0"),
            ("Pow", &[i(0), i(-5)], "!Infinity"),
            ("Pow", &[i(10), n("1e9")], "!out of bounds"),
            ("Pow10", &[i(3)], "1000"),
            ("Pow10", &[i(-2)], "0.01"),
            ("Pow10", &[i(200_000)], "!a power of ten as large as 200000"),
            ("Exp", &[i(0)], "1"),
            ("Exp", &[i(1)], "2.718281828459045235360287471352662"),
            ("Exp", &[n("-12.5")], "0.000003726653172078670992924851475950426"),
            ("Exp", &[n("1e9")], "!out of bounds"),
            ("Exp2", &[i(10)], "1024"),
            ("Exp2", &[n("0.5")], "1.414213562373095048801688724209698"),
            ("Log", &[i(1)], "0"),
            ("Log", &[n("32.45")], "3.479700443150099001242770375542286"),
            ("Log", &[i(10)], "2.302585092994045684017991454684364"),
            ("Log", &[n("1.05")], "0.04879016416943200306537440422316466"),
            ("Log", &[n("1e-30")], "-69.07755278982137052053974364053093"),
            ("Log", &[i(-1)], "!no number is the result"),
            ("Log", &[i(0)], "!-Infinity"),
            ("Log10", &[i(1000)], "3"),
            ("Log10", &[i(2)], "0.3010299956639811952137388947244930"),
            ("Log2", &[i(8)], "3"),
            ("Log2", &[i(10)], "3.32192809488736234787031942948939"),
            ("Cbrt", &[i(27)], "3"),
            ("Cbrt", &[i(-2)], "-1.259921049894873164767210607278228"),
            ("Cbrt", &[n("0.001")], "0.1000000000000000000000000000000000"),
        ],
    );
}

#[test]
fn binary_floats() {
    check(
        "math",
        &[
            ("Sqrt", &[n("43.22")], "6.57419196555744"),
            ("Sqrt", &[i(4)], "2.0"),
            ("Sqrt", &[i(-1)], "!NaN"),
            ("Sqrt", &[n("1e400")], "!doesn't fit into a float"),
            ("Mod", &[i(7), i(4)], "3.0"),
            ("Mod", &[n("-5.5"), i(2)], "-1.5"),
            ("Mod", &[i(1), i(0)], "!NaN"),
            ("Remainder", &[i(100), i(30)], "1E+1"),
            ("Remainder", &[i(5), i(3)], "-1.0"),
            ("Remainder", &[i(3), i(2)], "-1.0"),
            ("Remainder", &[i(5), i(2)], "1.0"),
            ("Remainder", &[i(-5), i(3)], "1.0"),
            ("Ldexp", &[n("0.5"), i(4)], "8.0"),
            ("Ldexp", &[i(1), i(-1074)], "5E-324"),
            ("Ldexp", &[i(3), i(-1075)], "1E-323"),
            ("Ldexp", &[i(1), i(-2000)], "0.0"),
            ("Ldexp", &[i(1), i(2000)], "!inf"),
            ("Logb", &[i(8)], "3.0"),
            ("Logb", &[n("5e-324")], "-1074.0"),
            ("Ilogb", &[n("0.3")], "-2"),
            ("Ilogb", &[i(0)], "-2147483648"),
            ("Sin", &[i(1)], "!not supported"),
        ],
    );
}

#[test]
fn constants_are_numbers() {
    for package in ["math", "time", "strconv", "net"].iter().filter_map(|path| builtin::package(path)) {
        for constant in package.constants.iter().filter(|constant| constant.cue.starts_with(['-', '0', '1', '2', '3']))
        {
            assert!(Number::parse(constant.cue).is_some(), "{}.{}", package.path, constant.name);
        }
    }
}

#[test]
fn bits() {
    check(
        "math/bits",
        &[
            ("Lsh", &[i(3), i(4)], "48"),
            ("Lsh", &[i(1), i(100)], "1267650600228229401496703205376"),
            ("Lsh", &[i(1), i(1 << 40)], "!a shift by"),
            ("Lsh", &[i(1), i(-1)], "!can't shift by -1"),
            ("Rsh", &[i(-5), i(1)], "-3"),
            ("Rsh", &[i(5), i(1 << 40)], "0"),
            ("At", &[i(6), i(1)], "1"),
            ("At", &[i(6), i(0)], "0"),
            ("At", &[i(6), i(1 << 33)], "!bit index too large"),
            ("Set", &[i(4), i(0), i(1)], "5"),
            ("Set", &[i(5), i(0), i(0)], "4"),
            ("Set", &[i(5), i(0), i(2)], "!a bit is 0 or 1"),
            ("Set", &[i(5), i(-1), i(0)], "!there is no bit -1"),
            ("And", &[i(-4), i(7)], "4"),
            ("Or", &[i(12), i(3)], "15"),
            ("Xor", &[i(12), i(10)], "6"),
            ("Clear", &[i(15), i(6)], "9"),
            ("OnesCount", &[i(-7)], "3"),
            ("OnesCount", &[n("0x1_0000_0000_0000_0000_1")], "2"),
            ("Len", &[i(-8)], "4"),
            ("Len", &[i(0)], "0"),
        ],
    );
}

fn number(path: &str, name: &str, args: &[Data]) -> f64 {
    match call(path, name, args) {
        Ok(Data::Number(number)) => number.to_f64(),
        other => panic!("{name}: {other:?}"),
    }
}

proptest! {
    #[test]
    fn logarithms_are_near_the_binary_ones(coefficient in 1i64.., exponent in -40i32..40) {
        let x = Number::float(coefficient, exponent).expect("in bounds");
        let expected = x.to_f64().ln();
        let found = number("math", "Log", &[Data::Number(x)]);
        prop_assert!((found - expected).abs() <= expected.abs().max(1.0) * 1e-14, "{found} {expected}");
    }

    #[test]
    fn powers_are_near_the_binary_ones(base in 1u32..10_000, power in -300i64..300) {
        let (x, y) = (Number::float(base, -2).expect("in bounds"), Number::float(power, -2).expect("in bounds"));
        let expected = x.to_f64().powf(y.to_f64());
        let found = number("math", "Pow", &[Data::Number(x), Data::Number(y)]);
        prop_assert!((found - expected).abs() <= expected.abs() * 1e-13, "{found} {expected}");
    }

    #[test]
    fn ldexp_is_that_of_two_steps(mantissa in -1_000_000i64..1_000_000, exponent in -1000i64..900) {
        let found = number("math", "Ldexp", &[i(mantissa), i(exponent)]);
        prop_assert_eq!(found, mantissa as f64 * 2f64.powi((exponent / 2) as i32) * 2f64.powi((exponent - exponent / 2) as i32));
    }
}
