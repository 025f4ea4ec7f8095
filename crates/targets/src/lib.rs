//! Where releases run: processes of this machine, each under a shim of its own, and the folders of static sites.
//!
//! The only crate that talks to processes. Not here: when something is started or stopped, and how often it is tried
//! again (`engine`); where requests go (`proxy`); what an artifact's bytes are (`store`).

mod atomic;
mod cgroup;
mod command_output;
mod config_file;
mod copy_tree;
mod data_copy;
mod data_use;
mod drift;
mod driver;
mod fingerprint;
mod launch;
mod log_pages;
pub mod machine;
mod mending;
mod ports_range;
mod prober;
mod program;
mod reload;
mod runner;
mod secret_files;
pub mod shim;
mod shim_client;
mod snapshots;
mod staging;
mod start;
mod stop;
mod strays;
mod usage;
mod users;

pub use data_copy::copy_data;
pub use driver::{LocalConfig, LocalDriver};
pub use ports_range::INSTANCE_PORTS;
pub use prober::LocalProber;
pub use runner::LocalRunner;
pub use secret_files::MEMORY_FOLDER;
