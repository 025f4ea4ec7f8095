//! Tasks on the server's runtime.

use std::sync::{Mutex, PoisonError};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::ports::Tasks;
use tokio::task::JoinSet;

/// Tasks of one engine.
#[derive(Default)]
pub(super) struct RuntimeTasks {
    running: Mutex<JoinSet<()>>,
}

impl Tasks for RuntimeTasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        running.spawn(task);
    }

    fn halt(&self) -> BoxFuture<'_, ()> {
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        async move { running.shutdown().await }.boxed()
    }
}
