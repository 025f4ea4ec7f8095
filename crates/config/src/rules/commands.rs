//! Commands: no shell reads them; and what a build needs to make sense.

use shipway_core::command_line::CommandLine;

use super::{Subject, report::Report};
use crate::field::Field;

const SHELL_WORDS: [&str; 10] = ["&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1", "2>"];

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let (make, serve) = (&subject.spec.make, &subject.spec.serve);
    for (key, command) in [("install", &make.install), ("build", &make.build), ("run", &serve.run)] {
        if let Some(command) = command {
            needs_no_shell(command, &subject.field(key), report);
        }
    }
    for (index, hook) in serve.hooks.iter().enumerate() {
        needs_no_shell(&hook.command, &subject.field("hooks").index(index).key("command"), report);
    }
    if let Some(run) = &serve.run {
        stays_in_artifact(run, &subject.field("run"), report);
    }
    build(subject, report);
    node_version(subject, report);
}

/// Whether a command that comes with a release stays within it.
pub(super) fn stays_in_artifact(command: &CommandLine, at: &Field, report: &mut Report<'_>) {
    if command.program().split('/').any(|part| part == "..") {
        let message = format!("the program of `{}` leads out of the artifact: `{}`", at.label(), command.program());
        report.critical(at, message, "name a program within the artifact, or one on PATH");
    }
}

/// Warns of words that only a shell understands: they would reach the program as they stand.
pub(super) fn needs_no_shell(command: &CommandLine, at: &Field, report: &mut Report<'_>) {
    let words = command.words();
    // Whoever starts a shell by name knows what it reads.
    if matches!(words, [program, flag, ..] if program.ends_with("sh") && flag.starts_with('-')) {
        return;
    }
    let label = at.label();
    if let Some(word) = words.iter().find(|word| SHELL_WORDS.contains(&word.as_str())) {
        report.warning(
            at,
            format!("`{label}` holds `{word}`, which means nothing: no shell reads a command"),
            format!("write a script and name it, or `{label} = [\"sh\", \"-c\", \"…\"]`"),
        );
    } else if let Some(word) = words.iter().skip(1).find(|word| is_variable(word)) {
        report.warning(
            at,
            format!("`{label}` holds `{word}`, which is not replaced: no shell reads a command"),
            format!("let the program read the variable itself, or write `{label} = [\"sh\", \"-c\", \"…\"]`"),
        );
    }
}

fn is_variable(word: &str) -> bool {
    word.strip_prefix('$')
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '{' || c == '_'))
}

fn build(subject: &Subject<'_>, report: &mut Report<'_>) {
    let make = &subject.spec.make;
    let builds = make.install.is_some() || make.build.is_some();
    if make.build.is_none() && make.install.is_some() && make.output.is_some() {
        let message = "there is an `install` and an `output`, but no `build` that would make the output";
        report.warning(&subject.field("build"), message, "add `build`, for instance `build = \"npm run build\"`");
    }
    if !builds && let Some(output) = &make.output {
        let message = format!("nothing is built, so `{output}` must be in the source as it is");
        report.info(&subject.field("output"), message, "add `build` if it is made by a command");
    }
    for (key, said) in
        [("build_variables", !make.build_variables.is_empty()), ("build_pass", !make.build_pass.is_empty())]
    {
        if said && !builds {
            let message = format!("`{key}` means nothing: there is no `install` and no `build`");
            report.warning(&subject.field(key), message, format!("remove `{key}`, or add `build`"));
        }
    }
}

fn node_version(subject: &Subject<'_>, report: &mut Report<'_>) {
    let Some(version) = &subject.spec.make.node_version else {
        return;
    };
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        report.critical(
            &subject.field("node_version"),
            format!("`{version}` is not a version of Node.js"),
            "write as much of it as must fit: `20`, `20.11` or `20.11.1`",
        );
    }
}
