//! Tokens become a tree.

use super::super::super::CallError;
use super::functions::is_function;
use super::lexer::{self, Piece, Token};
use super::tree::{Branch, Node, Operand, Pipe, Templates};
use super::wrong;

/// How deep actions may stand in each other, and parentheses in one (levels).
const MAX_NESTING_LEVELS: usize = 100;

/// Reads a template and those that are defined in it.
pub(super) fn parse(template: &str) -> Result<Templates, CallError> {
    let pieces = lexer::pieces(template)?;
    let mut parser =
        Parser { pieces: pieces.into_iter(), templates: Templates::new(), variables: vec![], ranges: 0, depth: 0 };
    let (body, end) = parser.list(true)?;
    match end {
        Ended::WithText => parser.define(String::new(), body)?,
        _ => return Err(wrong("there is an {{end}} or {{else}} too many")),
    }
    Ok(parser.templates)
}

/// What ended a list of nodes.
enum Ended {
    /// There is no more text.
    WithText,
    /// `{{end}}`
    Properly,
    /// `{{else}}`, with what follows the word.
    ByElse(Vec<Token>),
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    templates: Templates,
    variables: Vec<String>,
    ranges: usize,
    depth: usize,
}

impl Parser {
    /// Adds a template; an empty one doesn't take the place of another.
    fn define(&mut self, name: String, body: Vec<Node>) -> Result<(), CallError> {
        let is_empty =
            |body: &[Node]| body.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()));
        match self.templates.get(&name) {
            Some(before) if !is_empty(before) && !is_empty(&body) => {
                Err(wrong(format!("the template {name:?} is defined twice")))
            }
            Some(before) if !is_empty(before) => Ok(()),
            _ => {
                self.templates.insert(name, body);
                Ok(())
            }
        }
    }

    /// Nodes up to what ends them.
    fn list(&mut self, top: bool) -> Result<(Vec<Node>, Ended), CallError> {
        let mut nodes = Vec::new();
        let end = loop {
            let tokens = match self.pieces.next() {
                None => break Ended::WithText,
                Some(Piece::Text(text)) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Some(Piece::Action(tokens)) => tokens,
            };
            let (word, rest) = match tokens.split_first() {
                Some((Token::Word(word), rest)) => (word.as_str(), rest),
                _ => ("", &tokens[..]),
            };
            match word {
                "end" if rest.is_empty() => break Ended::Properly,
                "else" => break Ended::ByElse(rest.to_vec()),
                "define" if top => self.definition(rest)?,
                "define" | "end" => return Err(wrong(format!("unexpected {{{{{word}}}}}"))),
                _ => nodes.push(self.action(word, &tokens, rest)?),
            }
        };
        Ok((nodes, end))
    }

    fn action(&mut self, word: &str, tokens: &[Token], rest: &[Token]) -> Result<Node, CallError> {
        match word {
            "if" => self.control(rest, "if").map(Node::If),
            "with" => self.control(rest, "with").map(Node::With),
            "range" => self.control(rest, "range").map(Node::Range),
            "template" => self.template(rest),
            "block" => self.block(rest),
            "break" | "continue" if rest.is_empty() && self.ranges > 0 => {
                Ok(if word == "break" { Node::Break } else { Node::Continue })
            }
            "break" | "continue" => Err(wrong(format!("{word} stands outside of a range"))),
            _ => Ok(Node::Action(self.pipe(tokens, false)?)),
        }
    }

    fn control(&mut self, tokens: &[Token], word: &str) -> Result<Branch, CallError> {
        self.deeper()?;
        let variables = self.variables.len();
        let pipe = self.pipe(tokens, word == "range")?;
        self.ranges += usize::from(word == "range");
        let (body, end) = self.list(false)?;
        self.ranges -= usize::from(word == "range");
        let otherwise = self.otherwise(end, word)?;
        self.variables.truncate(variables);
        self.depth -= 1;
        Ok(Branch { pipe, body, otherwise })
    }

    fn otherwise(&mut self, end: Ended, word: &str) -> Result<Vec<Node>, CallError> {
        let rest = match end {
            Ended::WithText => return Err(wrong(format!("{{{{{word}}}}} doesn't end"))),
            Ended::Properly => return Ok(Vec::new()),
            Ended::ByElse(rest) => rest,
        };
        // `else if` in an if, and `else with` in a with, go on with one more; one end is for both.
        if let [Token::Space, Token::Word(next), more @ ..] = &rest[..]
            && next == word
            && word != "range"
        {
            let branch = self.control(more, word)?;
            return Ok(vec![if word == "if" { Node::If(branch) } else { Node::With(branch) }]);
        }
        if !rest.is_empty() {
            return Err(wrong("unexpected words after else"));
        }
        match self.list(false)? {
            (body, Ended::Properly) => Ok(body),
            _ => Err(wrong(format!("{{{{{word}}}}} doesn't end"))),
        }
    }

    /// One level deeper: in a control structure, in its `else if`, or in a definition.
    fn deeper(&mut self) -> Result<(), CallError> {
        self.depth += 1;
        match self.depth {
            0..=MAX_NESTING_LEVELS => Ok(()),
            _ => Err(CallError::unsupported(format!("templates of more than {MAX_NESTING_LEVELS} levels"))),
        }
    }

    /// A template that is defined here, with variables of its own.
    fn defined_body(&mut self, name: String) -> Result<(), CallError> {
        self.deeper()?;
        let (variables, ranges) = (std::mem::take(&mut self.variables), std::mem::take(&mut self.ranges));
        let (body, end) = self.list(false)?;
        (self.variables, self.ranges) = (variables, ranges);
        self.depth -= 1;
        if !matches!(end, Ended::Properly) {
            return Err(wrong(format!("the definition of the template {name:?} doesn't end")));
        }
        self.define(name, body)
    }

    fn definition(&mut self, tokens: &[Token]) -> Result<(), CallError> {
        match tokens {
            [Token::Space, Token::Text(name)] => self.defined_body(name.clone()),
            _ => Err(wrong("define takes a name in quotes")),
        }
    }

    fn template(&mut self, tokens: &[Token]) -> Result<Node, CallError> {
        match tokens {
            [Token::Space, Token::Text(name)] => Ok(Node::Template { name: name.clone(), data: None }),
            [Token::Space, Token::Text(name), rest @ ..] => {
                Ok(Node::Template { name: name.clone(), data: Some(self.pipe(rest, false)?) })
            }
            _ => Err(wrong("template takes a name in quotes")),
        }
    }

    fn block(&mut self, tokens: &[Token]) -> Result<Node, CallError> {
        let [Token::Space, Token::Text(name), rest @ ..] = tokens else {
            return Err(wrong("block takes a name in quotes"));
        };
        let data = Some(self.pipe(rest, false)?);
        self.defined_body(name.clone())?;
        Ok(Node::Template { name: name.clone(), data })
    }

    fn pipe(&mut self, tokens: &[Token], in_range: bool) -> Result<Pipe, CallError> {
        let mut reader = PipeReader { tokens, at: 0, variables: &self.variables, depth: 0 };
        let (variables, assigns) = reader.declaration(in_range)?;
        let pipe = Pipe { commands: reader.commands(false)?, variables, assigns };
        if !pipe.assigns {
            self.variables.extend(pipe.variables.iter().cloned());
        }
        Ok(pipe)
    }
}

struct PipeReader<'a> {
    tokens: &'a [Token],
    at: usize,
    variables: &'a [String],
    depth: usize,
}

impl PipeReader<'_> {
    fn next(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn skip_space(&mut self) {
        if self.peek() == Some(&Token::Space) {
            self.at += 1;
        }
    }

    /// The variables before `:=` or `=`; two of them only in a range.
    fn declaration(&mut self, in_range: bool) -> Result<(Vec<String>, bool), CallError> {
        let start = self.at;
        let mut names = Vec::new();
        loop {
            self.skip_space();
            let Some(Token::Variable(name)) = self.peek() else { break };
            names.push(name.clone());
            self.at += 1;
            self.skip_space();
            match self.next() {
                Some(Token::Declare) => return Ok((names, false)),
                Some(Token::Assign) => {
                    return names.iter().try_for_each(|name| self.known(name)).map(|()| (names, true));
                }
                Some(Token::Comma) if in_range && names.len() == 1 => {}
                Some(Token::Comma) => return Err(wrong("too many variables get a value")),
                _ => break,
            }
        }
        self.at = start;
        if names.len() > 1 { Err(wrong("a range's variables need := or =")) } else { Ok((Vec::new(), false)) }
    }

    fn known(&self, name: &str) -> Result<(), CallError> {
        let known = name.is_empty() || self.variables.iter().any(|variable| variable == name);
        if known { Ok(()) } else { Err(wrong(format!("undefined variable ${name}"))) }
    }

    /// Commands up to the end, or to the parenthesis that closes them.
    fn commands(&mut self, in_parentheses: bool) -> Result<Vec<Vec<Operand>>, CallError> {
        let mut commands = vec![Vec::new()];
        loop {
            self.skip_space();
            match self.peek() {
                Some(Token::Close) if in_parentheses => {
                    self.at += 1;
                    break;
                }
                None if !in_parentheses => break,
                None => return Err(wrong("a parenthesis doesn't close")),
                Some(Token::Pipe) => {
                    self.at += 1;
                    commands.push(Vec::new());
                }
                _ => {
                    let operand = self.operand()?;
                    if let Some(command) = commands.last_mut() {
                        command.push(operand);
                    }
                }
            }
        }
        checked(commands)
    }

    /// A value, with the fields that follow it; then there must be a space or an end.
    fn operand(&mut self) -> Result<Operand, CallError> {
        let value = self.term()?;
        let mut fields = Vec::new();
        while let Some(Token::Field(name)) = self.peek() {
            fields.push(name.clone());
            self.at += 1;
        }
        if !matches!(self.peek(), None | Some(Token::Space | Token::Pipe | Token::Close)) {
            return Err(wrong(format!("unexpected {:?} after a value", self.peek())));
        }
        match value {
            value if fields.is_empty() => Ok(value),
            Operand::Field(names) => Ok(Operand::Field([names, fields].concat())),
            Operand::Variable(name, names) => Ok(Operand::Variable(name, [names, fields].concat())),
            Operand::Pipe(_) | Operand::Function(_) => Ok(Operand::Chain(Box::new(value), fields)),
            _ => Err(wrong("a literal has no fields")),
        }
    }

    fn term(&mut self) -> Result<Operand, CallError> {
        match self.next().cloned() {
            Some(Token::Dot) => Ok(Operand::Dot),
            Some(Token::Field(name)) => Ok(Operand::Field(vec![name])),
            Some(Token::Variable(name)) => self.known(&name).map(|()| Operand::Variable(name, Vec::new())),
            Some(Token::Number(number)) => Ok(Operand::Number(number)),
            Some(Token::Text(text)) => Ok(Operand::Text(text)),
            Some(Token::Word(word)) => match word.as_str() {
                "true" | "false" => Ok(Operand::Bool(word == "true")),
                "nil" => Ok(Operand::Nil),
                _ if is_function(&word) => Ok(Operand::Function(word)),
                _ => Err(wrong(format!("function {word:?} not defined"))),
            },
            Some(Token::Open) => {
                self.depth += 1;
                if self.depth > MAX_NESTING_LEVELS {
                    return Err(CallError::unsupported(format!("more than {MAX_NESTING_LEVELS} parentheses")));
                }
                let (variables, assigns) = self.declaration(false)?;
                if !variables.is_empty() {
                    return Err(CallError::unsupported("variables declared in parentheses"));
                }
                let commands = self.commands(true)?;
                self.depth -= 1;
                Ok(Operand::Pipe(Pipe { variables, assigns, commands }))
            }
            other => Err(wrong(format!("unexpected {other:?} where a value is expected"))),
        }
    }
}

/// No command is empty, and only a function, a field or a parenthesis can take the result of another.
fn checked(commands: Vec<Vec<Operand>>) -> Result<Vec<Vec<Operand>>, CallError> {
    for (index, command) in commands.iter().enumerate() {
        match command.first() {
            None => return Err(wrong("missing value for a command")),
            Some(Operand::Bool(_) | Operand::Dot | Operand::Nil | Operand::Number(_) | Operand::Text(_))
                if index > 0 =>
            {
                return Err(wrong("only functions can stand after a |"));
            }
            _ => {}
        }
    }
    Ok(commands)
}
