//! The package `crypto/ed25519`: the check of a signature (RFC 8032, without the cofactor).
//!
//! It computes with public values only, so it needn't take the same time for all of them. Points are in extended
//! coordinates; source of the formula: Hisil, Wong, Carter and Dawson, *Twisted Edwards Curves Revisited*, 2008.

use std::sync::LazyLock;

use hmac::digest::Digest;
use num_bigint::BigUint;
use num_traits::{One, Zero};
use sha2::Sha512;

use super::super::arguments::{BOOL, Outcome, TEXT_OR_BYTES, bytes};
use super::super::{Builtin, CallError, Constant, Package};
use crate::data::Data;

pub(in super::super) static PACKAGE: Package = Package {
    path: "crypto/ed25519",
    functions: &[Builtin::new("Valid", &[TEXT_OR_BYTES, TEXT_OR_BYTES, TEXT_OR_BYTES], BOOL, valid)],
    constants: &[Constant { name: "PublicKeySize", cue: "32" }],
};

const KEY_BYTES: usize = 32;

/// The field's prime, the order of the base point, and the curve's constant.
struct Curve {
    prime: BigUint,
    order: BigUint,
    d: BigUint,
    base: Point,
}

static CURVE: LazyLock<Curve> = LazyLock::new(|| {
    let prime = (BigUint::one() << 255u32) - 19u32;
    let order = (BigUint::one() << 252u32) + 27_742_317_777_372_353_535_851_937_790_883_648_493u128;
    let inverse = |value: u32| BigUint::from(value).modpow(&(&prime - 2u32), &prime);
    let d = (&prime - 121_665u32) * inverse(121_666) % &prime;
    // The base point: y is 4/5, and x is even.
    let y = 4u32 * inverse(5) % &prime;
    let origin = Point::origin();
    let mut curve = Curve { prime, order, d, base: origin };
    if let Some(base) = curve.with_y(y, false) {
        curve.base = base;
    }
    curve
});

#[derive(Clone)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
    t: BigUint,
}

impl Point {
    fn origin() -> Self {
        Self { x: BigUint::zero(), y: BigUint::one(), z: BigUint::one(), t: BigUint::zero() }
    }
}

impl Curve {
    fn minus(&self, left: &BigUint, right: &BigUint) -> BigUint {
        (left + &self.prime - right) % &self.prime
    }

    fn times(&self, left: &BigUint, right: &BigUint) -> BigUint {
        left * right % &self.prime
    }

    fn inverse(&self, value: &BigUint) -> BigUint {
        value.modpow(&(&self.prime - 2u32), &self.prime)
    }

    /// The point of a y whose x is odd, or even; none if there is none on the curve.
    fn with_y(&self, y: BigUint, odd: bool) -> Option<Point> {
        let square = self.times(&y, &y);
        let numerator = self.minus(&square, &BigUint::one());
        let denominator = (self.times(&self.d, &square) + 1u32) % &self.prime;
        let wanted = self.times(&numerator, &self.inverse(&denominator));
        // The prime is 5 mod 8: a root is this power, or that times the root of -1.
        let candidate = wanted.modpow(&((&self.prime + 3u32) >> 3u32), &self.prime);
        let root_of_minus_one = BigUint::from(2u32).modpow(&((&self.prime - 1u32) >> 2u32), &self.prime);
        let roots = [self.times(&candidate, &root_of_minus_one), candidate];
        let x = roots.into_iter().find(|x| self.times(x, x) == wanted)?;
        let x = if x.bit(0) == odd { x } else { self.minus(&BigUint::zero(), &x) };
        let t = self.times(&x, &y);
        Some(Point { x, y, z: BigUint::one(), t })
    }

    fn decode(&self, bytes: &[u8]) -> Option<Point> {
        let mut value = BigUint::from_bytes_le(bytes);
        let odd = value.bit(255);
        value.set_bit(255, false);
        self.with_y(value % &self.prime, odd)
    }

    fn encode(&self, point: &Point) -> Vec<u8> {
        let inverse = self.inverse(&point.z);
        let mut value = self.times(&point.y, &inverse);
        value.set_bit(255, self.times(&point.x, &inverse).bit(0));
        let mut bytes = value.to_bytes_le();
        bytes.resize(KEY_BYTES, 0);
        bytes
    }

    fn plus(&self, left: &Point, right: &Point) -> Point {
        let a = self.times(&self.minus(&left.y, &left.x), &self.minus(&right.y, &right.x));
        let b = self.times(&(&left.y + &left.x), &(&right.y + &right.x));
        let c = self.times(&(self.times(&left.t, &right.t) * 2u32), &self.d);
        let d = self.times(&left.z, &right.z) * 2u32 % &self.prime;
        let (e, f, g, h) = (self.minus(&b, &a), self.minus(&d, &c), &d + &c, &b + &a);
        Point { x: self.times(&e, &f), y: self.times(&g, &h), z: self.times(&f, &g), t: self.times(&e, &h) }
    }

    fn scaled(&self, point: &Point, factor: &BigUint) -> Point {
        (0..factor.bits()).rev().fold(Point::origin(), |sum, bit| {
            let double = self.plus(&sum, &sum);
            if factor.bit(bit) { self.plus(&double, point) } else { double }
        })
    }

    fn negative(&self, point: &Point) -> Point {
        let zero = BigUint::zero();
        Point { x: self.minus(&zero, &point.x), t: self.minus(&zero, &point.t), ..point.clone() }
    }
}

fn valid(args: &[Data]) -> Outcome {
    let (key, message, signature) = (bytes(args, 0)?, bytes(args, 1)?, bytes(args, 2)?);
    if key.len() != KEY_BYTES {
        return Err(CallError::new(format!("the public key must be {KEY_BYTES} bytes, not {}", key.len())));
    }
    Ok(Data::Bool(verifies(key, message, signature).unwrap_or(false)))
}

fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let curve = &*CURVE;
    let (commitment, response) = signature.split_at_checked(KEY_BYTES).filter(|(_, rest)| rest.len() == KEY_BYTES)?;
    let response = Some(BigUint::from_bytes_le(response)).filter(|response| *response < curve.order)?;
    let public = curve.decode(key)?;
    let hash = Sha512::new().chain_update(commitment).chain_update(key).chain_update(message).finalize();
    let challenge = BigUint::from_bytes_le(hash.as_slice()) % &curve.order;
    let expected = curve.scaled(&curve.negative(&public), &challenge);
    let point = curve.plus(&curve.scaled(&curve.base, &response), &expected);
    Some(curve.encode(&point) == commitment)
}
