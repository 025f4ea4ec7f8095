//! One deployment from the request to its end.

mod back;
mod checks;
mod failure;
mod hooks;
mod instances;
mod journal;
mod life;
mod migrate;
mod mover;
mod moving;
mod one_off;
mod outside;
mod perform;
mod prove;
mod ready;
mod reload;
mod steps;
mod switch;
mod turns;
mod watch;
mod work;

pub(crate) use self::{
    back::note_undone,
    failure::{from_fault, report},
    instances::{drain, drain_for, start, stop, stop_stray, strays, variables},
    journal::{Active, say},
    life::Fail,
    moving::{choose_strategy, draw, is_past_contract},
    outside::resume,
    prove::{ask, is_healthy},
};
