//! One deployment from the request to its end.

mod back;
mod checks;
mod failure;
mod hooks;
mod journal;
mod life;
mod moving;
mod perform;
mod prove;
mod switch;
mod watch;

pub(crate) use self::{
    failure::{from_fault, report},
    journal::{Active, say},
    life::Fail,
    moving::{choose_strategy, draw},
    perform::{drain, launch, stop},
    prove::{ask, is_healthy},
};
