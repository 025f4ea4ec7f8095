//! `shipway env`: what is done with whole environments; each sub-verb has a room of its own.

use super::{Outcome, context::Context, env_can, env_compare, env_delete, env_make, env_show, env_sync, env_usage};

/// Work with whole environments
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    List(env_show::ListArgs),
    Show(env_show::ShowArgs),
    Create(env_make::CreateArgs),
    Set(env_make::SetArgs),
    Delete(env_delete::Args),
    Compare(env_compare::Args),
    Sync(env_sync::Args),
    Usage(env_usage::Args),
    Can(env_can::Args),
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        Act::List(args) => env_show::list(context, args).await,
        Act::Show(args) => env_show::show(context, args).await,
        Act::Create(args) => env_make::create(context, args).await,
        Act::Set(args) => env_make::set(context, args).await,
        Act::Delete(args) => env_delete::run(context, args).await,
        Act::Compare(args) => env_compare::run(context, args).await,
        Act::Sync(args) => env_sync::run(context, args).await,
        Act::Can(args) => env_can::run(context, args).await,
        Act::Usage(args) => env_usage::run(context, args).await,
    }
}
