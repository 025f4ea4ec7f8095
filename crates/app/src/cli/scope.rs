//! Which project and which environment are meant.

use shipway_api::{ProjectRequest, ProjectView};

use super::{
    context::Context,
    errors::CliError,
    remote::{Remote, escaped},
    spec_file::{NAMES, SpecFile},
};

/// A project, with its spec when a person stands in its folder.
pub struct Scope {
    /// The project's id.
    pub project: String,
    /// Its spec file.
    pub spec: Option<SpecFile>,
    known: Option<ProjectView>,
}

/// `-e`, where a verb needs an environment.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct EnvironmentArg {
    /// The environment; may be left out where the project has only one
    #[arg(short, long, value_name = "NAME")]
    pub environment: Option<String>,
}

/// The server that is meant, and the project there.
///
/// # Errors
/// As `Scope::find`.
pub async fn reach(context: &Context) -> Result<(Remote, Scope), CliError> {
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await?;
    Ok((remote, scope))
}

impl Scope {
    /// The project that was named, else that of the nearest spec file, else the only one that is registered.
    ///
    /// # Errors
    /// None is named and there is none, or more than one.
    pub async fn find(context: &Context, remote: &Remote) -> Result<Self, CliError> {
        let spec = SpecFile::nearest()?;
        let named = spec.as_ref().and_then(SpecFile::project).map(str::to_owned);
        match (&context.project, named) {
            (Some(asked), named) => {
                let spec = spec.filter(|_| named.as_deref() == Some(asked));
                Ok(Self { project: asked.clone(), spec, known: None })
            }
            (None, Some(project)) => Ok(Self { project, spec, known: None }),
            (None, None) => Self::only_registered(remote).await,
        }
    }

    async fn only_registered(remote: &Remote) -> Result<Self, CliError> {
        let mut projects: Vec<ProjectView> = remote.get("/api/projects").await?;
        if projects.len() > 1 {
            let names: Vec<_> = projects.iter().map(|project| project.id.as_str()).collect();
            let message = format!("which project? There are {}", names.join(", "));
            return Err(CliError::usage(message, "name one with --project, or stand in its folder"));
        }
        projects.pop().map(Self::known).ok_or_else(|| {
            let message = format!("no project is registered, and there is no {NAMES} here or above");
            CliError::failed(message, "go to the folder of a project, or run `shipway up FOLDER`")
        })
    }

    /// A registered project.
    pub fn known(known: ProjectView) -> Self {
        Self { project: known.id.as_str().to_owned(), spec: None, known: Some(known) }
    }

    /// The environment that was named, else the only one.
    ///
    /// # Errors
    /// None is named and there are several.
    pub async fn environment(&self, remote: &Remote, named: &EnvironmentArg) -> Result<String, CliError> {
        if let Some(name) = &named.environment {
            return Ok(name.clone());
        }
        let mut names = match (&self.spec, &self.known) {
            (Some(spec), _) => spec.environments(),
            (None, Some(known)) => environment_names(known),
            (None, None) => environment_names(&remote.get(&self.path("")).await?),
        };
        if names.len() == 1 {
            return Ok(names.remove(0));
        }
        let message = format!("which environment? {} has {}", self.project, names.join(", "));
        Err(CliError::usage(message, "name one with -e"))
    }

    /// The environment that was named, else all of the project.
    ///
    /// # Errors
    /// The server says no.
    pub async fn environments(&self, remote: &Remote, named: &EnvironmentArg) -> Result<Vec<String>, CliError> {
        match (&named.environment, &self.known) {
            (Some(name), _) => Ok(vec![name.clone()]),
            (None, Some(known)) => Ok(environment_names(known)),
            (None, None) => Ok(environment_names(&remote.get(&self.path("")).await?)),
        }
    }

    /// The address of something below the project.
    pub fn path(&self, below: &str) -> String {
        format!("/api/projects/{}{below}", escaped(&self.project))
    }

    /// The address of something of an environment.
    pub fn environment_path(&self, environment: &str, below: &str) -> String {
        self.path(&format!("/environments/{}{below}", escaped(environment)))
    }

    /// Tells the server the spec as it is now, when a person stands in the project's folder.
    ///
    /// # Errors
    /// The spec is wrong.
    pub async fn register(&self, remote: &Remote) -> Result<(), CliError> {
        match &self.spec {
            Some(spec) => register(remote, spec).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

/// Tells the server a spec. Only a server on this machine is told the folder.
///
/// # Errors
/// The spec is wrong.
pub async fn register(remote: &Remote, spec: &SpecFile) -> Result<ProjectView, CliError> {
    let folder = remote.is_local().then(|| spec.folder.clone());
    let request = ProjectRequest { file: spec.name.into(), text: spec.text.clone(), folder };
    remote.post("/api/projects", &request).await
}

fn environment_names(project: &ProjectView) -> Vec<String> {
    project.environments.iter().map(|name| name.as_str().to_owned()).collect()
}
