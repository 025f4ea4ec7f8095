//! The project of the benchmarked application, as a person would have it: a source folder with a build.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crate::{Fallible, server::Server};

/// Makes the project `bench` with its environment `test` in the server's home, and registers it.
///
/// `program` is the file of the application, `run` the command, `service` more lines of the service `web`.
///
/// # Errors
/// The spec is wrong.
pub async fn make(server: &Server, program: &Path, run: &str, service: &str) -> Fallible<PathBuf> {
    let folder = server.home().join("project");
    fs::create_dir_all(folder.join("app"))?;
    copy_into(program, &folder.join("app"))?;
    // The build takes a second, so that one that runs though nothing changed can't hide.
    fs::write(folder.join("app/build.sh"), "set -e\nsleep 1\nmkdir dist\ncp bench* dist/\n")?;
    let spec = format!(
        r#"[project]
name = "bench"

[environments.test]
type = "testing"

[services.web]
source = "app"
kind = "process"
build = "sh build.sh"
output = "dist"
run = "{run}"
run_as = "@server"
routes = [{{ host = "bench.{{environment}}.localhost" }}]
{service}
"#
    );
    server.register(&folder, &spec).await?;
    Ok(folder)
}

/// The services of a group, as `make_group` names them.
pub fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("s{number}"))
}

/// The host of a service of a group.
pub fn host(project: &str, service: &str) -> String {
    format!("{service}.{project}.test.localhost")
}

/// Makes a project of so many services with nothing to do with each other, of the same program from one source, and
/// registers it. `service` is more lines of each.
///
/// # Errors
/// The spec is wrong.
pub async fn make_group(server: &Server, program: &Path, project: &str, count: usize, service: &str) -> Fallible<()> {
    let folder = server.home().join(project);
    fs::create_dir_all(folder.join("app"))?;
    copy_into(program, &folder.join("app"))?;
    // Each run of a benchmark is an automatic rollback; the bound on these is not what is measured.
    let limit = "rollback_limit = { max = 1000, per = \"1h\" }";
    let mut spec = format!("[project]\nname = \"{project}\"\n\n[environments.test]\ntype = \"testing\"\n{limit}\n");
    for name in names(count) {
        let host = host(project, &name);
        write!(
            spec,
            "\n[services.{name}]\nsource = \"app\"\nkind = \"process\"\nrun = \"./bench-app\"\nrun_as = \"@server\"\n\
             routes = [{{ host = \"{host}\" }}]\n{service}\n"
        )?;
    }
    server.register(&folder, &spec).await
}

fn copy_into(file: &Path, folder: &Path) -> Fallible<()> {
    let name = file.file_name().ok_or("a file has a name")?;
    fs::copy(file, folder.join(name))?;
    Ok(())
}
