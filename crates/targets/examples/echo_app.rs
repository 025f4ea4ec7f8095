//! An application for the tests, so that they need nothing but this crate's own programs.
//!
//! `serve`: answers HTTP on `PORT`: `/status/N` with that status, `/slow` never, `/env/NAME` with that variable,
//! `/say/TEXT` after printing the text, everything else with `hello`. Other words are in `main`.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("serve") => serve(),
        // Prints so many lines of 100 bytes, then serves.
        Some("flood") => flood(args.get(1).and_then(|count| count.parse().ok()).unwrap_or(0)).and_then(|()| serve()),
        // Prints so many lines of 100 bytes, then ends.
        Some("print") => flood(args.get(1).and_then(|count| count.parse().ok()).unwrap_or(0)),
        // Prints its arguments and its environment, one per line.
        Some("tell") => tell(&args),
        // Writes to a file, then ends.
        Some("write") => fs::write(args.get(1).map_or("", String::as_str), args.get(2).map_or("", String::as_str)),
        // Prints its standard input.
        Some("copy") => io::copy(&mut io::stdin(), &mut io::stdout()).map(|_| ()),
        // Leaves a daemon behind, then serves or hangs.
        Some("daemon") => daemon(&args),
        Some("hang") => hang(),
        _ => Err(io::Error::other("echo_app: unknown word")),
    }
}

fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn flood(count: u64) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    for number in 0..count {
        writeln!(out, "{number:099}")?;
    }
    out.flush()
}

fn tell(args: &[String]) -> io::Result<()> {
    let mut out = io::stdout();
    args.iter().skip(1).try_for_each(|arg| writeln!(out, "arg {arg}"))?;
    env::vars().try_for_each(|(name, value)| writeln!(out, "env {name}={value}"))
}

/// `daemon PIDFILE`: `setsid` in the shell's child makes a session of its own, whose parent ends at once.
fn daemon(args: &[String]) -> io::Result<()> {
    let file = args.get(1).map_or("", String::as_str);
    let script =
        "setsid sh -c 'echo $$ > \"$0.new\" && mv \"$0.new\" \"$0\"; exec sleep 1000' \"$0\" >/dev/null 2>&1 &";
    Command::new("sh").args(["-c", script, file]).stdin(Stdio::null()).status()?;
    if env::var_os("PORT").is_some() { serve() } else { hang() }
}

fn serve() -> io::Result<()> {
    let port: u16 = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    writeln!(io::stdout(), "listening on {port}")?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || answer(stream));
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut host = String::new();
    loop {
        let mut line = String::new();
        if reader.by_ref().take(8192).read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let _ = name;
            host = value.trim().to_owned();
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let (status, body) = match (parts.next().unwrap_or(""), parts.next().unwrap_or("")) {
        ("status", status) => (status.parse().unwrap_or(500), format!("this is {status}")),
        ("env", name) => (200, env::var(name).unwrap_or_default()),
        ("slow", _) => hang(),
        ("host", _) => (200, host),
        ("say", text) => {
            writeln!(io::stdout(), "{text}")?;
            (200, "said".to_owned())
        }
        _ => (200, "hello".to_owned()),
    };
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
