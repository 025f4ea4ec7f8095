//! The SQL store and the artifact store
