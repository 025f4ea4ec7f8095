//! The project of the benchmarked application, as a person would have it: a source folder with a build.

use std::{
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

fn copy_into(file: &Path, folder: &Path) -> Fallible<()> {
    let name = file.file_name().ok_or("a file has a name")?;
    fs::copy(file, folder.join(name))?;
    Ok(())
}
