//! From the text of a spec to a checked project, or to diagnostics
