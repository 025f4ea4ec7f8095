//! Durable execution of a graph of steps
