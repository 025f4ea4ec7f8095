//! The data plane, and the client that steers it
