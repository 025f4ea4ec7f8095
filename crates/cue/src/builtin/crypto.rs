//! The packages `crypto/…`: hashes, keyed hashes, and the check of a signature. Nothing here is secret.

pub(super) mod ed25519;

use hmac::digest::Digest;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use super::arguments::{BYTES, Outcome, TEXT, TEXT_OR_BYTES, bytes, bytes_of, text};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;

pub(super) static MD5: Package = Package {
    path: "crypto/md5",
    functions: &[Builtin::new("Sum", &[TEXT_OR_BYTES], BYTES, hashed::<Md5>)],
    constants: &[Constant { name: "Size", cue: "16" }, Constant { name: "BlockSize", cue: "64" }],
};

pub(super) static SHA1: Package = Package {
    path: "crypto/sha1",
    functions: &[Builtin::new("Sum", &[TEXT_OR_BYTES], BYTES, hashed::<Sha1>)],
    constants: &[Constant { name: "Size", cue: "20" }, Constant { name: "BlockSize", cue: "64" }],
};

pub(super) static SHA256: Package = Package {
    path: "crypto/sha256",
    functions: &[
        Builtin::new("Sum256", &[TEXT_OR_BYTES], BYTES, hashed::<Sha256>),
        Builtin::new("Sum224", &[TEXT_OR_BYTES], BYTES, hashed::<Sha224>),
    ],
    constants: &[
        Constant { name: "Size", cue: "32" },
        Constant { name: "Size224", cue: "28" },
        Constant { name: "BlockSize", cue: "64" },
    ],
};

pub(super) static SHA512: Package = Package {
    path: "crypto/sha512",
    functions: &[
        Builtin::new("Sum512", &[TEXT_OR_BYTES], BYTES, hashed::<Sha512>),
        Builtin::new("Sum384", &[TEXT_OR_BYTES], BYTES, hashed::<Sha384>),
        Builtin::new("Sum512_224", &[TEXT_OR_BYTES], BYTES, hashed::<Sha512_224>),
        Builtin::new("Sum512_256", &[TEXT_OR_BYTES], BYTES, hashed::<Sha512_256>),
    ],
    constants: &[
        Constant { name: "Size", cue: "64" },
        Constant { name: "Size224", cue: "28" },
        Constant { name: "Size256", cue: "32" },
        Constant { name: "Size384", cue: "48" },
        Constant { name: "BlockSize", cue: "128" },
    ],
};

pub(super) static HMAC: Package = Package {
    path: "crypto/hmac",
    functions: &[Builtin::new("Sign", &[TEXT, TEXT_OR_BYTES, TEXT_OR_BYTES], BYTES, sign)],
    constants: &[
        Constant { name: "MD5", cue: "\"MD5\"" },
        Constant { name: "SHA1", cue: "\"SHA1\"" },
        Constant { name: "SHA224", cue: "\"SHA224\"" },
        Constant { name: "SHA256", cue: "\"SHA256\"" },
        Constant { name: "SHA384", cue: "\"SHA384\"" },
        Constant { name: "SHA512", cue: "\"SHA512\"" },
        Constant { name: "SHA512_224", cue: "\"SHA512_224\"" },
        Constant { name: "SHA512_256", cue: "\"SHA512_256\"" },
    ],
};

fn hashed<H: Digest>(args: &[Data]) -> Outcome {
    Ok(bytes_of(H::digest(bytes(args, 0)?)))
}

fn sign(args: &[Data]) -> Outcome {
    let (key, data) = (bytes(args, 1)?, bytes(args, 2)?);
    match text(args, 0)? {
        "MD5" => signed::<Hmac<Md5>>(key, data),
        "SHA1" => signed::<Hmac<Sha1>>(key, data),
        "SHA224" => signed::<Hmac<Sha224>>(key, data),
        "SHA256" => signed::<Hmac<Sha256>>(key, data),
        "SHA384" => signed::<Hmac<Sha384>>(key, data),
        "SHA512" => signed::<Hmac<Sha512>>(key, data),
        "SHA512_224" => signed::<Hmac<Sha512_224>>(key, data),
        "SHA512_256" => signed::<Hmac<Sha512_256>>(key, data),
        other => Err(CallError::new(format!("unsupported hash function {other:?}"))),
    }
}

fn signed<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Outcome {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| CallError::new("the key has a wrong length"))?;
    mac.update(data);
    Ok(bytes_of(mac.finalize().into_bytes()))
}
