//! Folders: they stay where they belong.

use super::{Subject, report::Report};
use crate::field::Field;

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let make = &subject.spec.make;
    stays_inside("the spec file's folder", &make.source, &subject.field("source"), report);
    if let Some(output) = &make.output {
        stays_inside("the source", output, &subject.field("output"), report);
    }
    let data = &subject.spec.serve.data;
    for (index, folder) in data.iter().enumerate() {
        let at = subject.field("data").index(index);
        stays_inside("the service's data", folder, &at, report);
        if folder == "." {
            report.critical(&at, "a data folder needs a name of its own", "name it, for instance `uploads`");
        }
        if data[..index].contains(folder) {
            report.warning(&at, format!("the data folder `{folder}` is named twice"), "name it once");
        }
    }
}

fn stays_inside(whose: &str, path: &str, at: &Field, report: &mut Report<'_>) {
    let fault = if path.is_empty() {
        "is empty"
    } else if path.starts_with('/') {
        "is absolute"
    } else if path.split('/').any(|part| part == "..") {
        "leads out with `..`"
    } else if path.contains(['\0', '\\']) {
        "holds a character that no path should"
    } else {
        return;
    };
    let message = format!("`{}` {fault}: `{path}`", at.label());
    report.critical(at, message, format!("write a path within {whose}, with `/` and without `..`"));
}
