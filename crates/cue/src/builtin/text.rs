//! The packages `text/…`.

pub(super) mod tabwriter;
pub(super) mod template;
