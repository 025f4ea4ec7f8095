//! The walk over a template's tree.

use super::super::super::CallError;
use super::super::super::arguments::MAX_RESULT_LENGTH;
use super::functions;
use super::tree::{Branch, Node, Operand, Pipe, Templates};
use super::value::{Value, shown, sorted, type_name};
use super::wrong;
use crate::data::Data;
use crate::number::Number;

/// How deep templates and what stands in them may run in each other (levels).
const MAX_LEVELS: usize = 300;
/// How many nodes and commands a template may run: a range over a number is short, and may be long.
const MAX_STEPS: usize = 5_000_000;
/// How much text the functions of a template may make in all: it may keep each in a variable (bytes).
const MAX_MADE_BYTES: usize = 1 << 28;

/// Runs the template of the empty name.
pub(super) fn execute(templates: &Templates, data: &Data) -> Result<String, CallError> {
    let mut run =
        Run { templates, out: String::new(), variables: Vec::new(), level: 0, steps: 0, left: MAX_MADE_BYTES };
    run.template("", Value::from(data.clone()).settled())?;
    Ok(run.out)
}

/// How the walk goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

fn too_much() -> CallError {
    CallError::unsupported("templates that run so long, or write so much")
}

struct Run<'a> {
    templates: &'a Templates,
    out: String,
    variables: Vec<(String, Value)>,
    level: usize,
    steps: usize,
    /// How much text its functions may still make (bytes).
    left: usize,
}

impl<'a> Run<'a> {
    fn step(&mut self) -> Result<(), CallError> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > MAX_RESULT_LENGTH {
            return Err(too_much());
        }
        Ok(())
    }

    fn template(&mut self, name: &str, dot: Value) -> Result<(), CallError> {
        let body = self.templates.get(name).ok_or_else(|| wrong(format!("template {name:?} not defined")))?;
        // Only the data is there, as the variable without a name.
        let outer = std::mem::replace(&mut self.variables, vec![(String::new(), dot.clone())]);
        self.walk(&dot, body)?;
        self.variables = outer;
        Ok(())
    }

    fn walk(&mut self, dot: &Value, nodes: &'a [Node]) -> Result<Flow, CallError> {
        self.level += 1;
        if self.level > MAX_LEVELS {
            return Err(CallError::unsupported(format!("templates in {MAX_LEVELS} levels of templates")));
        }
        let mut flow = Flow::On;
        for node in nodes {
            self.step()?;
            flow = self.node(dot, node)?;
            if flow != Flow::On {
                break;
            }
        }
        self.level -= 1;
        Ok(flow)
    }

    fn node(&mut self, dot: &Value, node: &'a Node) -> Result<Flow, CallError> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipe) => {
                let value = self.pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.choose(dot, branch, false),
            Node::With(branch) => return self.choose(dot, branch, true),
            Node::Range(branch) => return self.scoped(|run| run.range(dot, branch)),
            Node::Template { name, data } => {
                let value = match data {
                    Some(pipe) => self.pipe(dot, pipe)?,
                    None => Value::None,
                };
                self.template(name, value)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn print(&mut self, value: &Value) -> Result<(), CallError> {
        match value {
            Value::None => self.out.push_str("<no value>"),
            Value::Some(data) => self.out.push_str(&shown(data)?),
        }
        Ok(())
    }

    /// Runs with variables of its own.
    fn scoped<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, CallError>) -> Result<T, CallError> {
        let variables = self.variables.len();
        let result = run(self);
        self.variables.truncate(variables);
        result
    }

    /// An `if`, or a `with`, in which the value is the dot.
    fn choose(&mut self, dot: &Value, branch: &'a Branch, with: bool) -> Result<Flow, CallError> {
        self.scoped(|run| {
            let value = run.pipe(dot, &branch.pipe)?;
            match value.is_true() {
                true => run.walk(if with { &value } else { dot }, &branch.body),
                false => run.walk(dot, &branch.otherwise),
            }
        })
    }

    fn range(&mut self, dot: &Value, branch: &'a Branch) -> Result<Flow, CallError> {
        let over = self.pipe(dot, &branch.pipe)?;
        let pairs: Box<dyn Iterator<Item = (Data, Data)>> = match &over {
            Value::None => Box::new(std::iter::empty()),
            Value::Some(Data::List(elements)) => Box::new(
                elements.iter().enumerate().map(|(at, element)| (Data::Number(Number::int(at)), element.clone())),
            ),
            Value::Some(Data::Struct(fields)) => {
                Box::new(sorted(fields).into_iter().map(|(name, value)| (Data::string(name.clone()), value.clone())))
            }
            Value::Some(Data::Number(number)) if number.is_int() => {
                if branch.pipe.variables.len() > 1 {
                    return Err(wrong(format!("can't use {number} to iterate over more than one variable")));
                }
                let counted = (0..number.to_i64().unwrap_or(i64::MAX)).map(|at| Data::Number(Number::int(at)));
                Box::new(counted.map(|at| (at.clone(), at)))
            }
            Value::Some(other) => return Err(wrong(format!("range can't iterate over a {}", type_name(other)))),
        };
        let mut any = false;
        for (index, element) in pairs {
            any = true;
            self.step()?;
            if self.iteration(branch, index, element)? == Flow::Break {
                break;
            }
        }
        if any { Ok(Flow::On) } else { self.walk(dot, &branch.otherwise) }
    }

    fn iteration(&mut self, branch: &'a Branch, index: Data, element: Data) -> Result<Flow, CallError> {
        match &branch.pipe.variables[..] {
            [only] => self.set(only, element.clone().into()),
            [first, second] => {
                self.set(first, index.into());
                self.set(second, element.clone().into());
            }
            _ => {}
        }
        self.scoped(|run| run.walk(&element.into(), &branch.body))
    }

    /// Gives the innermost variable of a name its value.
    fn set(&mut self, name: &str, value: Value) {
        if let Some(variable) = self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            variable.1 = value;
        }
    }

    fn pipe(&mut self, dot: &Value, pipe: &'a Pipe) -> Result<Value, CallError> {
        let mut last: Option<Value> = None;
        for command in &pipe.commands {
            self.step()?;
            last = Some(self.command(dot, command, last)?.settled());
        }
        let value = last.unwrap_or(Value::None);
        for name in &pipe.variables {
            if pipe.assigns {
                self.set(name, value.clone());
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    /// A function with its arguments, or a value alone; `last` is the result of the command before.
    fn command(&mut self, dot: &Value, command: &'a [Operand], last: Option<Value>) -> Result<Value, CallError> {
        let (first, rest) = command.split_first().ok_or_else(|| wrong("missing value for a command"))?;
        match first {
            Operand::Function(name) => self.call(dot, name, rest, last),
            Operand::Nil => Err(wrong("nil is not a command")),
            _ if !rest.is_empty() || last.is_some() => {
                Err(wrong("can't give an argument to a value that is no function"))
            }
            _ => self.operand(dot, first),
        }
    }

    fn call(&mut self, dot: &Value, name: &str, args: &'a [Operand], last: Option<Value>) -> Result<Value, CallError> {
        if name == "and" || name == "or" {
            return self.shortcut(dot, name == "and", args, last);
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push(self.operand(dot, arg)?.into_data());
        }
        values.extend(last.map(Value::into_data));
        if !functions::makes_text(name) {
            return functions::call(name, &values).map(Value::from);
        }
        // One text may be given many times.
        let given = values.iter().try_fold(MAX_RESULT_LENGTH, |left, value| value.left_of(left));
        given.ok_or_else(too_much)?;
        let made = functions::call(name, &values)?;
        self.left = made.left_of(self.left).ok_or_else(too_much)?;
        Ok(made.into())
    }

    /// The first argument that decides, or the last; those after it aren't looked at.
    fn shortcut(
        &mut self,
        dot: &Value,
        and: bool,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, CallError> {
        let mut value = None;
        for arg in args {
            let found = self.operand(dot, arg)?;
            if found.is_true() != and {
                return Ok(found);
            }
            value = Some(found);
        }
        last.or(value).ok_or_else(|| wrong("and and or need an argument"))
    }

    fn operand(&mut self, dot: &Value, operand: &'a Operand) -> Result<Value, CallError> {
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Nil => Ok(Value::None),
            Operand::Bool(value) => Ok(Data::Bool(*value).into()),
            Operand::Number(number) => Ok(Data::Number(number.clone()).into()),
            Operand::Text(text) => Ok(Data::string(text.as_str()).into()),
            Operand::Field(names) => fields(dot.clone(), names),
            Operand::Variable(name, names) => {
                let value =
                    self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                fields(value.ok_or_else(|| wrong(format!("undefined variable ${name}")))?, names)
            }
            Operand::Function(name) => self.call(dot, name, &[], None),
            Operand::Pipe(pipe) => self.scoped(|run| run.pipe(dot, pipe)),
            Operand::Chain(value, names) => fields(self.operand(dot, value)?, names),
        }
    }
}

/// Fields of fields. Of no value, a field is no value; of null, it is an error.
fn fields(value: Value, names: &[String]) -> Result<Value, CallError> {
    names.iter().try_fold(value, |value, name| match value {
        Value::None => Ok(Value::None),
        Value::Some(Data::Struct(fields)) => Ok(fields.get(name.as_str()).cloned().map_or(Value::None, Value::Some)),
        Value::Some(Data::Null) => Err(wrong(format!("nil pointer evaluating the field {name}"))),
        Value::Some(other) => Err(wrong(format!("can't evaluate field {name} in type {}", type_name(&other)))),
    })
}
