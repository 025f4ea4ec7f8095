//! The application that is deployed by benchmarks: std only, so that its own time is known. It answers every path with
//! its version and its own stamps: `bench version=V started_us=N listening_us=N bytes=N`.
//!
//! `PORT` and `VERSION` (or `SHIPWAY_VERSION`) say what it is, `START_MS` how long it takes to start, `?ms=N` how long
//! one answer takes. `bench-app burn MS` instead keeps two threads busy and prints how much processor it was given.
#![allow(clippy::print_stdout, reason = "what a build prints is its result")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Result, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant, SystemTime},
};

/// Linux counts processor time in hundredths of a second, on every platform that Rust supports.
const TICK_MS: u64 = 10;
const BURNING_THREADS: usize = 2;
const UPLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;

fn main() -> Result<()> {
    let started = now_us();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, ms] = arguments.as_slice()
        && verb == "burn"
    {
        return burn(Duration::from_millis(ms.parse().unwrap_or(1000)));
    }
    let variable = |name: &str| std::env::var(name).ok();
    let start_ms = variable("START_MS").and_then(|ms| ms.parse().ok()).unwrap_or(0);
    std::thread::sleep(Duration::from_millis(start_ms));
    let listener = TcpListener::bind(format!("127.0.0.1:{}", variable("PORT").unwrap_or_default()))?;
    let version = variable("VERSION").or_else(|| variable("SHIPWAY_VERSION")).unwrap_or_default();
    let stamp = format!("bench version={version} started_us={started} listening_us={}", now_us());
    let stamp: &'static str = stamp.leak();
    for stream in listener.incoming().flatten() {
        // A connection that breaks is the client's business; it counts what it saw.
        std::thread::spawn(move || serve(stream, stamp));
    }
    Ok(())
}

fn now_us() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros()
}

fn serve(stream: TcpStream, stamp: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some((path, length)) = head(&mut reader)? {
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if let Some(ms) = path.split_once("ms=").and_then(|(_, ms)| ms.parse().ok()) {
            std::thread::sleep(Duration::from_millis(ms));
        }
        let text = format!("{stamp} bytes={length}\n");
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// The path and the length of the body of the next request; none when the connection ended between two.
fn head(reader: &mut impl BufRead) -> Result<Option<(String, usize)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split_whitespace().nth(1).unwrap_or("/").to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(Some((path, length.min(UPLOAD_BYTES_MAX))));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}

fn burn(time: Duration) -> Result<()> {
    let begin = Instant::now();
    let threads: Vec<_> = (0..BURNING_THREADS)
        .map(|seed| {
            std::thread::spawn(move || {
                let mut value = seed as u64 + 1;
                while begin.elapsed() < time {
                    for _ in 0..10_000 {
                        value = std::hint::black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| std::io::Error::other("a thread failed"))?;
    }
    println!("burnt cpu_ms={} wall_ms={}", own_cpu_ms()?, begin.elapsed().as_millis());
    Ok(())
}

/// User and system time of this process.
fn own_cpu_ms() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Ok(ticks * TICK_MS)
}
