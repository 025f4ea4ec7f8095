//! The standard packages, as functions on concrete data.
//!
//! Not here: builtins that need the evaluator (`close`, `and`, `or`, `matchN`, `list.Sort` with a comparator,
//! `json.Validate` …): those are in `eval::calls`.

mod arguments;
mod crypto;
mod encoding;
mod html;
mod letters;
mod list;
mod math;
mod net;
mod path;
mod regexp;
mod strconv;
mod strings;
mod text;
mod time;
mod uuid;

use crate::data::Data;
use crate::kind::Kind;

/// Why a call gave no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// What was wrong, in a sentence without the function's name.
    pub message: String,
    /// The function, or this way of using it, is not supported: the evaluation is refused, by this message.
    pub unsupported: bool,
}

impl CallError {
    /// A call that was wrong.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), unsupported: false }
    }

    /// A call that this implementation doesn't do.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { message: message.into(), unsupported: true }
    }

    /// A call that would need more than so many bytes.
    fn too_large(what: &str, bytes: usize) -> Self {
        Self::unsupported(format!("{what} of more than {bytes} bytes"))
    }
}

/// A function of a standard package. Where its result is [`Kind::BOOL`] and one argument too few is given, it is a
/// validator: the value it is unified with becomes the first argument.
#[derive(Debug)]
pub struct Builtin {
    /// `MinRunes`
    pub name: &'static str,
    /// What each parameter may be.
    pub params: &'static [Kind],
    /// How many of the last parameters may be left out; such a function is no validator.
    pub optional: usize,
    /// What comes out.
    pub result: Kind,
    /// What it does; the arguments fit `params`.
    call: fn(&[Data]) -> Result<Data, CallError>,
}

/// The most that a function is given (bytes of all its arguments, see `Data::left_of`): what it makes of them grows
/// with them.
const MAX_ARGUMENT_BYTES: usize = 1 << 27;

impl Builtin {
    /// A function that needs all its arguments.
    #[must_use]
    pub const fn new(
        name: &'static str,
        params: &'static [Kind],
        result: Kind,
        call: fn(&[Data]) -> Result<Data, CallError>,
    ) -> Self {
        Self { name, params, optional: 0, result, call }
    }

    /// Calls it. A short configuration must not ask for any amount of memory, so arguments and results have bounds.
    ///
    /// # Errors
    /// What was wrong with the arguments, which must fit `params`; what isn't supported, and what is too large.
    pub fn run(&self, args: &[Data]) -> Result<Data, CallError> {
        let mut left = MAX_ARGUMENT_BYTES;
        for arg in args {
            left = arg.left_of(left).ok_or_else(|| CallError::too_large("arguments", MAX_ARGUMENT_BYTES))?;
        }
        let result = (self.call)(args)?;
        let bound = arguments::MAX_RESULT_LENGTH;
        match &result {
            Data::String(text) if text.len() > bound => Err(CallError::too_large("texts", bound)),
            Data::Bytes(bytes) if bytes.len() > bound => Err(CallError::too_large("bytes", bound)),
            Data::List(elements) if elements.len() > arguments::MAX_LIST_LENGTH => Err(arguments::too_long()),
            _ => Ok(result),
        }
    }

    /// Whether it can be called with so many arguments.
    #[must_use]
    pub const fn takes(&self, arguments: usize) -> bool {
        arguments <= self.params.len() && arguments + self.optional >= self.params.len()
    }

    /// Whether with so many arguments it is a validator: it says yes or no, and only the value to check is missing.
    #[must_use]
    pub fn is_validator(&self, arguments: usize) -> bool {
        self.result == Kind::BOOL && self.optional == 0 && arguments + 1 == self.params.len()
    }

    /// The same, of which the last `count` parameters may be left out.
    #[must_use]
    pub const fn with_optional(mut self, count: usize) -> Self {
        self.optional = count;
        self
    }
}

/// A constant of a standard package, such as `math.Pi`, as CUE text.
#[derive(Debug)]
pub struct Constant {
    /// `Pi`
    pub name: &'static str,
    /// A CUE expression that needs nothing around it.
    pub cue: &'static str,
}

/// A standard package.
#[derive(Debug)]
pub struct Package {
    /// `math/bits`
    pub path: &'static str,
    /// Its functions.
    pub functions: &'static [Builtin],
    /// Its constants, validators without arguments among them.
    pub constants: &'static [Constant],
}

/// The standard package of an import path, if there is one.
#[must_use]
pub fn package(path: &str) -> Option<&'static Package> {
    PACKAGES.iter().copied().find(|package| package.path == path)
}

/// All standard packages.
#[must_use]
pub fn packages() -> &'static [&'static Package] {
    PACKAGES
}

static PACKAGES: &[&Package] = &[
    &crypto::HMAC,
    &crypto::MD5,
    &crypto::SHA1,
    &crypto::SHA256,
    &crypto::SHA512,
    &crypto::ed25519::PACKAGE,
    &encoding::base64::PACKAGE,
    &encoding::csv::PACKAGE,
    &encoding::hex::PACKAGE,
    &encoding::json::PACKAGE,
    &encoding::toml::PACKAGE,
    &encoding::yaml::PACKAGE,
    &html::PACKAGE,
    &list::PACKAGE,
    &math::PACKAGE,
    &math::bits::PACKAGE,
    &net::PACKAGE,
    &path::PACKAGE,
    &regexp::PACKAGE,
    &strconv::PACKAGE,
    &strings::PACKAGE,
    &STRUCT,
    &text::tabwriter::PACKAGE,
    &text::template::PACKAGE,
    &time::PACKAGE,
    &uuid::PACKAGE,
];

/// The package `struct`; its functions work on the graph.
static STRUCT: Package = Package { path: "struct", functions: &[], constants: &[] };
