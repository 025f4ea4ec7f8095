//! The packages `text/…`.

pub(super) mod tabwriter;
