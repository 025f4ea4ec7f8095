//! `shipway config`: what holds and why, changing it, its versions, going back, deploying it alone.

use super::{Outcome, config_change, config_fetch, config_show, context::Context};

/// Show and change the configuration of an environment, version by version
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    Show(config_show::ShowArgs),
    Set(config_change::SetArgs),
    History(config_show::HistoryArgs),
    Diff(config_show::DiffArgs),
    Rollback(config_change::RollbackArgs),
    Deploy(config_change::DeployArgs),
    Fetch(config_fetch::FetchArgs),
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        Act::Show(args) => config_show::show(context, args).await,
        Act::Set(args) => config_change::set(context, args).await,
        Act::History(args) => config_show::history(context, args).await,
        Act::Diff(args) => config_show::diff(context, args).await,
        Act::Rollback(args) => config_change::roll_back(context, args).await,
        Act::Deploy(args) => config_change::deploy(context, args).await,
        Act::Fetch(args) => config_fetch::fetch(context, args).await,
    }
}
