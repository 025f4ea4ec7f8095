//! The shim as a program of its own, for the tests: Shipway's `main` dispatches it the same way.

fn main() {
    let mut args = std::env::args_os().skip(1);
    let known = args.next().is_some_and(|word| word == "shim");
    std::process::exit(if known { shipway_targets::shim::main(args) } else { 2 });
}
