//! Configurations in memory, evaluated: what the tests of the evaluator share.

use shipway_cue::data::Data;
use shipway_cue::error::{Code, Error};
use shipway_cue::load::{Build, Failed, Memory, Options, Package, Target as Import, load};
use shipway_cue::source::SourceMap;
use shipway_cue::syntax::parse_expr;
use shipway_cue::{Instance, Limits, PackageSource, Target, builtin, encode};

/// What one evaluation gave: JSON on one line with sorted fields, or what is wrong.
pub type Outcome = Result<String, Vec<Error>>;

/// Evaluates files (name and text) as one package, in the module of those below `cue.mod`: once as a whole where no
/// expressions are given, else each of them.
pub fn evaluate(files: &[(&str, &str)], expressions: &[&str], limits: Limits) -> (SourceMap, Vec<Outcome>) {
    let memory = files.iter().fold(Memory::default(), |memory, (name, text)| memory.with(format!("/w/{name}"), *text));
    let names = files.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("cue.mod/"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let options = Options { folder: "/w".into(), ..Options::default() };
    let mut build = match load(&memory, &options, &names) {
        Ok(build) => build,
        Err(Failed { sources, errors }) => return (sources, vec![Err(errors); expressions.len().max(1)]),
    };
    let outcomes = match instance(&build, limits) {
        Ok(instance) if expressions.is_empty() => {
            let outcome = read(instance.data(None));
            explain(&instance);
            vec![outcome]
        }
        Ok(instance) => expressions.iter().map(|text| expression(&mut build, &instance, text)).collect(),
        Err(errors) => vec![Err(errors); expressions.len().max(1)],
    };
    (build.sources, outcomes)
}

fn instance(build: &Build, limits: Limits) -> Result<Instance, Vec<Error>> {
    let packages = build.packages.iter().map(package).collect::<Result<_, _>>().map_err(|error| vec![error])?;
    Instance::build(packages, build.instances[0], limits)
}

fn package(package: &Package) -> Result<PackageSource, Error> {
    let mut source = PackageSource {
        name: package.name.to_string(),
        path: package.path.to_string(),
        files: Vec::new(),
        imports: std::collections::BTreeMap::new(),
    };
    for file in &package.files {
        source.files.push(file.tree.clone());
        for (written, import) in file.tree.imports.iter().zip(&file.imports) {
            let target = match import.target {
                Import::Package(index) => Some(Target::Ours(index)),
                Import::Standard(path) => builtin::package(path).map(Target::Standard),
            };
            let missing = || Error::new(Code::Unsupported, format!("no package {}", written.path), Some(import.span));
            source.imports.insert(written.path.to_string(), target.ok_or_else(missing)?);
        }
    }
    Ok(source)
}

fn expression(build: &mut Build, instance: &Instance, text: &str) -> Outcome {
    let id = build.sources.add("expression", text);
    let (expr, errors) = parse_expr(id, text);
    if errors.is_empty() { read(instance.data(Some(&expr))) } else { Err(errors) }
}

/// Whatever it is, it can be explained; that it can't be run is never an answer.
fn explain(instance: &Instance) {
    if let Err(errors) = instance.why(None, "") {
        assert!(!errors.iter().any(|error| error.message == "the evaluation could not be run"), "a panic");
    }
}

/// An evaluation that panicked is reported as one that could not be run: that is never an answer.
fn read(result: Result<Data, Vec<Error>>) -> Outcome {
    if let Err(errors) = &result {
        assert!(!errors.is_empty(), "a failure without an error");
        assert!(!errors.iter().any(|error| error.message == "the evaluation could not be run"), "a panic");
    }
    result.map(|data| encode::json_compact(&sorted(data), false))
}

/// The same data with the fields of every struct in the order of their names.
pub fn sorted(data: Data) -> Data {
    match data {
        Data::List(items) => Data::List(items.into_iter().map(sorted).collect()),
        Data::Struct(mut fields) => {
            fields.sort_unstable_keys();
            Data::Struct(Box::new(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect()))
        }
        other => other,
    }
}
