//! The tokens of CUE.
//!
//! Not here: how they are found in a text (that is [`super::lexer`]).

/// What sort of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or a keyword; which of them only the parser can tell.
    Ident,
    /// A number's literal.
    Number,
    /// A string or byte string without interpolation, quotes included.
    String,
    /// From the opening quotes to the first `\(`, both included.
    InterpolationStart,
    /// From `)` to the next `\(`, both included.
    InterpolationMiddle,
    /// From the last `)` to the closing quotes, both included.
    InterpolationEnd,
    /// `@name(…)`, with everything in its parentheses.
    Attribute,
    /// `_|_`
    Bottom,
    /// `,`
    Comma,
    /// The comma that a line's end stands for; covers no text.
    AutoComma,
    /// `:`
    Colon,
    /// `?`
    Question,
    /// `~`
    Tilde,
    /// `.`
    Dot,
    /// `...`
    Ellipsis,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `=`
    Bind,
    /// `==`
    Equal,
    /// `=~`
    Match,
    /// `!`
    Not,
    /// `!=`
    NotEqual,
    /// `!~`
    NotMatch,
    /// `&`
    And,
    /// `&&`
    BoolAnd,
    /// `|`
    Or,
    /// `||`
    BoolOr,
    /// Something that is no token; the lexer said so in its errors.
    Illegal,
    /// The end of the text.
    End,
}

impl TokenKind {
    /// Whether a line's end after it stands for a comma (specification, "Commas"). After what is no token it does, too:
    /// so the next line is read whatever this one should have been.
    #[must_use]
    pub fn ends_line(self) -> bool {
        matches!(
            self,
            Self::Ident
                | Self::Number
                | Self::String
                | Self::InterpolationEnd
                | Self::Attribute
                | Self::Bottom
                | Self::Question
                | Self::Ellipsis
                | Self::RightParen
                | Self::RightBracket
                | Self::RightBrace
                | Self::Illegal
        )
    }
}

/// A token and where it stands, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// First byte after it.
    pub end: u32,
}
