//! The control plane without HTTP
